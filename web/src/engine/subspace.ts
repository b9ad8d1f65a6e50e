// Pulse from the geometry of the colour space: PBV, LGI, OMIT. See waves/subspace.py.

import { type Signal, dot, made, mapped, solved } from "./arrays";
import constants from "./constants.json";
import { type Colours, centred, check, relative } from "./methods";

const { FLAT } = constants["waves.subspace"];
const ROUNDS = 100;

/** Pulse by the blood-volume signature (de Haan & van Leest, 2014). */
export function pbv(rgb: Colours, rate: number): Signal {
  check("pbv", rgb, rate);
  const x = relative(rgb).map(centred);
  const covariance = x.map((a) => Float64Array.from(x, (b) => dot(a, b) / a.length));
  const power = covariance.map((row, c) => row[c]);
  const size = Math.max(Math.sqrt(power.reduce((a, b) => a + b)), FLAT);
  const p = power.map((v) => Math.sqrt(v) / size);
  const ridge = 1e-9 * power.reduce((a, b) => a + b) + FLAT ** 2;
  covariance.forEach((row, c) => (row[c] += ridge));
  const weights = solved(
    covariance,
    p.map((v) => Float64Array.of(v)),
  ).map((row) => row[0]);
  const scale = dot(p, weights);
  return centred(made(x[0].length, (t) => (scale > 0 ? -dot(weights, [x[0][t], x[1][t], x[2][t]]) / scale : 0)));
}

/** Pulse by local group invariance (Pilz et al., 2018). */
export function lgi(rgb: Colours, rate: number): Signal {
  check("lgi", rgb, rate);
  const square = rgb.map((a) => rgb.map((b) => dot(a, b)));
  let axis = [1, 1, 1];
  // the mean colour is most of it, so that this is at its end soon
  for (let round = 0; round < ROUNDS; round++) axis = unit(square.map((row) => dot(row, axis)));
  return withoutAxis(rgb, axis);
}

/** Pulse by orthogonal projection onto the first frame's colour (Casado & López, 2023). */
export function omit(rgb: Colours, rate: number): Signal {
  check("omit", rgb, rate);
  return withoutAxis(rgb, unit(rgb.map((c) => c[0])));
}

function unit(x: number[]): number[] {
  const size = Math.sqrt(dot(x, x));
  return x.map((v) => (size > 0 ? v / size : 0));
}

/** Minus the green row of the colours less what lies along an axis. */
function withoutAxis(rgb: Colours, axis: number[]): Signal {
  return centred(
    mapped(rgb[1], (g, t) => (axis[0] * rgb[0][t] + axis[1] * g + axis[2] * rgb[2][t]) * axis[1] - g),
  );
}
