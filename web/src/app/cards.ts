// A card for every person: heart rate, pulse wave, and what else is known.

import type { Reading, Report } from "../engine/report_types";
import { made, say, within } from "./dom";
import { Strip } from "./strip";
import { intervalText, qualityWord, sentence, title, unitText, valueText, wholeText } from "./words";

const SOON = "hrv_sdnn"; // says for all of variability why there is none
const FILM_STEP_S = 0.5;

class Card {
  readonly element: HTMLElement;
  private readonly strip: Strip;
  private readonly slider: HTMLInputElement;

  constructor(template: HTMLTemplateElement) {
    this.element = within(template.content.cloneNode(true) as DocumentFragment, ".card");
    this.strip = new Strip(this.part<HTMLCanvasElement>(".strip"));
    this.slider = this.part<HTMLInputElement>("input");
    this.slider.addEventListener("input", () => this.drawFilm());
  }

  /** Show a report; `away`: a sentence that withholds it, whatever it says. */
  show(report: Report, people: number, away: string): void {
    const heart = away ? { ...report.readings[0], value: null, why: away } : report.readings[0];
    const known = heart.value !== null;
    say(this.part("h3"), people > 1 ? `Person ${report.person}` : "Heart rate");
    this.element.classList.toggle("withheld", !known);
    const [whole, plus] = wholeText(known ? heart : { ...heart, low: null, high: null });
    say(this.part(".value"), whole);
    say(this.part(".plus"), plus);
    this.quality(known ? heart.quality : null);
    say(this.part(".why"), known ? "" : sentence(heart.why));
    const pulse = away ? null : (report.waves.find((w) => w.name === "pulse") ?? null);
    this.strip.set(pulse, known ? report.beats : [], known);
    const about = known ? `Pulse wave, ${whole} beats a minute` : "Pulse wave, not trusted";
    const canvas = this.part(".strip");
    canvas.hidden = !pulse?.values.some((v) => v !== null);
    if (canvas.getAttribute("aria-label") !== about) canvas.setAttribute("aria-label", about);
    this.others(known ? report.readings.slice(1) : []);
  }

  draw(end: number, label: (time: number) => string): void {
    this.strip.draw(end, label);
  }

  /** The wave of a whole film, ten seconds of it at a time. */
  film(duration: number): void {
    this.part(".place").hidden = duration <= 10;
    this.slider.max = String(Math.max(0, Math.floor((duration - 10) / FILM_STEP_S) * FILM_STEP_S));
    this.drawFilm();
  }

  drawFilm(): void {
    const start = Number(this.slider.value);
    this.slider.setAttribute("aria-valuetext", `${start} to ${start + 10} seconds`);
    this.draw(start + 10, (t) => (t % 2 ? "" : `${t} s`));
  }

  private part<T extends HTMLElement = HTMLElement>(selector: string): T {
    return within<T>(this.element, selector);
  }

  private quality(share: number | null): void {
    const meter = this.part(".meter");
    const percent = share === null ? 0 : Math.round(100 * share);
    within(meter, "i").style.width = `${percent}%`;
    const word = share === null ? "" : qualityWord(share);
    meter.dataset["word"] = word;
    meter.setAttribute("aria-valuenow", String(percent));
    meter.setAttribute("aria-valuetext", share === null ? "withheld" : `${percent} percent, ${word}`);
    say(this.part(".word"), share === null ? "" : `${percent}% ${word}`);
  }

  private others(readings: Reading[]): void {
    const rows = readings
      .filter((r) => r.value !== null || !r.name.startsWith("hrv_") || r.name === SOON)
      .map(row);
    const list = this.part(".others");
    const html = rows.map((r) => r.outerHTML).join("");
    if (list.innerHTML !== html) list.replaceChildren(...rows);
  }
}

function row(reading: Reading): HTMLElement {
  const none = reading.value === null;
  const name = none && reading.name === SOON ? "Variability" : title(reading.name);
  const said = made("dd", none ? "none" : "");
  if (none) said.append(sentence(reading.why));
  else {
    const interval = intervalText(reading);
    said.append(made("b", "", valueText(reading)), ` ${unitText(reading.unit)} `);
    if (interval) said.append(made("small", "", interval));
  }
  return made("div", "", made("dt", "", name), said);
}

export class Cards {
  private cards: Card[] = [];

  constructor(
    private readonly place: HTMLElement,
    private readonly template: HTMLTemplateElement,
  ) {}

  clear(): void {
    this.cards = [];
    this.place.replaceChildren();
  }

  /** One card for every report; `away` says why one is not to be shown now. */
  show(reports: Report[], away: (report: Report) => string): void {
    while (this.cards.length > reports.length) this.cards.pop()!.element.remove();
    reports.forEach((report, k) => {
      const card = (this.cards[k] ??= new Card(this.template));
      if (!card.element.isConnected) this.place.append(card.element);
      card.show(report, reports.length, away(report));
    });
  }

  draw(end: number, label: (time: number) => string): void {
    for (const card of this.cards) card.draw(end, label);
  }

  film(duration: number): void {
    for (const card of this.cards) card.film(duration);
  }

  drawFilm(): void {
    for (const card of this.cards) card.drawFilm();
  }
}
