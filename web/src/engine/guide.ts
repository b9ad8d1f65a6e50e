// What the network that comes with the package says of a part of a trace. See waves/guide.py.

import { type Signal, clip, finiteOf, interp, made, mapped, mean, rounded } from "./arrays";
import { banded } from "./clean";
import constants from "./constants.json";
import type { Colours } from "./methods";
import { type Trace, mainRegion } from "./trace";

const { BAND_HZ, SURE, CERTAINTY } = constants["waves.guide"];
const { AT_ONCE } = constants["waves.learned"];
const card = constants.cards.regionpulse;

export interface Tensor {
  data: Float32Array;
  dims: readonly number[];
}

/** A network as a function: names to arrays. */
export interface Network {
  run(inputs: Record<string, Tensor>): Promise<Record<string, Tensor>>;
}

/**
 * Pulse of any unit, and log odds of it, on the clock of the part.
 * colour: regions of the part in the order of the trace's names.   rate: of its clock [Hz].
 */
export async function guided(network: Network, colour: Colours[], trace: Trace, rate: number): Promise<Signal[]> {
  const length = colour[0][0].length;
  const whole = colour[trace.names.indexOf(mainRegion(trace))].map((c) => {
    const usual = mean(finiteOf(c));
    return mapped(c, (x) => (Number.isFinite(x) ? x : usual));
  });
  const wanted = card.regions.flatMap((name) => {
    const at = trace.names.indexOf(name);
    return whole.map((w, c) => mapped(w, (x, t) => (at >= 0 && Number.isFinite(colour[at][c][t]) ? colour[at][c][t] : x)));
  });
  const time = made(length, (t) => t / rate);
  const count = Math.floor(time[length - 1] * card.rate + 1e-6) + 1;
  const clock = made(count, (n) => n / card.rate);
  const evenly = wanted.map((column) => interp(clock, time, column));
  const told = await outputs(network, evenly);
  const pulse = banded(told[0], card.rate, BAND_HZ[0], BAND_HZ[1]);
  const odds = mapped(told[1], (x) => clip(x, -SURE, SURE));
  return [pulse, odds].map((column) => interp(time, clock, column));
}

/** Pulse and certainty of columns at the network's rate; mirrored ends stand in for what lacks. */
async function outputs(network: Network, columns: Signal[]): Promise<[Signal, Signal]> {
  const length = columns[0].length;
  const lead = Math.min(Math.max(rounded(card.warm_up * card.rate), card.delay), length - 1);
  const late = Math.min(card.delay, length - 1);
  const total = lead + length + late;
  const width = columns.length;
  const shown = new Float32Array(total * width);
  for (let n = 0; n < total; n++) {
    const mirrored = Math.abs(n - lead);
    const at = mirrored < length ? mirrored : 2 * (length - 1) - mirrored;
    for (let k = 0; k < width; k++) shown[n * width + k] = columns[k][at];
  }
  const found: [number[], number[]] = [[], []];
  const names = [Object.keys(card.outputs)[0], CERTAINTY];
  let state: Record<string, Tensor> = Object.fromEntries(
    Object.entries(card.state_shapes).map(([name, dims]) => [
      name,
      { data: new Float32Array(dims.reduce((a, b) => a * b, 1)), dims },
    ]),
  );
  for (let at = 0; at < total; at += AT_ONCE) {
    const block = shown.slice(at * width, Math.min(at + AT_ONCE, total) * width);
    const dims = [1, block.length / width, card.regions.length, 3];
    const given = { [card.inputs[0]]: { data: block, dims }, ...state };
    const told = await network.run(given);
    names.forEach((name, k) => found[k].push(...told[name].data));
    state = Object.fromEntries(Object.entries(card.state).map(([out, into]) => [into, told[out]]));
  }
  const cut = (x: number[]) => Float64Array.from(x.slice(lead + late, lead + late + length));
  return [cut(found[0]), cut(found[1])];
}
