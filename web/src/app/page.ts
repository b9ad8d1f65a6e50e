// The page as a whole: loading, ready, live, film, stopped.

import type { Report } from "../engine/report_types";
import type { View } from "../engine/watcher";
import type { FileOptions } from "../file";
import type { Monitor } from "../monitor";
import type { Cards } from "./cards";
import type { Coach } from "./coach";
import { byId, say } from "./dom";
import { GAP_S, Live } from "./live";
import { People } from "./people";
import { save } from "./save";
import { fill } from "./sheet";
import type { Speaker } from "./speaker";
import type { Stage } from "./stage";
import { NOT_A_FILM, cameraTrouble, noCamera, told } from "./troubles";

type State = "loading" | "ready" | "starting" | "live" | "film" | "stopped" | "failed";

interface Parts {
  stage: Stage;
  cards: Cards;
  coach: Coach;
  speaker: Speaker;
  cameras: () => Promise<{ id: string; name: string }[]>;
  measureFile: (film: Blob, options: FileOptions) => Promise<Report[]>;
}

const STATUS: Record<State, string> = {
  loading: "Loading…",
  ready: "Ready",
  starting: "Waiting for the camera…",
  live: "Live",
  film: "Measuring the film…",
  stopped: "Stopped",
  failed: "",
};
const NOBODY = "nobody is in view; show the face to the camera, upright and in the light";
const DRAW_MS = 50;
const MOST_LAG_S = 8;
const CALM = matchMedia("(prefers-reduced-motion: reduce)");

export class App {
  private state: State = "loading";
  private monitor: Monitor | null = null;
  private live: Live | null = null;
  private film: AbortController | null = null;
  private reports: Report[] = [];
  private readonly people = new People(Infinity);
  private readonly start = byId<HTMLButtonElement>("start");
  private readonly camera = byId<HTMLSelectElement>("camera");
  private readonly file = byId<HTMLInputElement>("file");
  private lag = 1.5; // of the wave behind the picture [s]
  private reported = -Infinity; // time of the last picture, at the last report [s]
  private wanted: (() => void) | null = null; // pressed before everything was loaded

  constructor(private readonly parts: Parts) {
    this.start.addEventListener("click", () => this.pressed());
    this.camera.addEventListener("change", () => void this.watch(this.camera.value));
    byId("window").addEventListener("change", () => this.live && void this.watch(this.camera.value));
    byId("open").addEventListener("click", () => this.file.click());
    this.file.addEventListener("change", () => this.take(this.file.files));
    byId("download").addEventListener("click", (event) => this.download(event));
    this.closeMenu();
    this.acceptDrops();
    setInterval(() => this.roll(), DRAW_MS);
    addEventListener("beforeprint", () => fill(byId("sheet"), this.reports));
    addEventListener("resize", () => this.live || this.parts.cards.drawFilm());
    navigator.mediaDevices?.addEventListener?.("devicechange", () => void this.list());
  }

  /** Everything is loaded. */
  ready(monitor: Monitor): void {
    this.monitor = monitor;
    monitor.onError = (message) => this.notice(`Something failed: ${message}`);
    this.become("ready");
    this.wanted?.();
    this.wanted = null;
  }

  /** The page cannot do what it is for. */
  fail(sentence: string): void {
    this.become("failed");
    this.notice(sentence);
    this.start.disabled = true;
  }

  private become(state: State): void {
    this.state = state;
    document.body.dataset["state"] = state;
    say(byId("status"), STATUS[state]);
    const running = state === "live" || state === "starting" || state === "film";
    say(this.start, running ? "Stop" : "Start the camera");
    byId("download").hidden = state === "film" || !this.reports.length;
    byId("progress").hidden = state !== "film";
    byId("empty").hidden = this.reports.length > 0;
    byId("welcome").hidden = running || (state === "stopped" && this.parts.stage.video.readyState > 1);
  }

  private notice(sentence: string): void {
    const place = byId("notice");
    say(place, sentence);
    place.hidden = !sentence;
  }

  private pressed(): void {
    if (this.live || this.film) this.stop();
    else void this.watch(this.camera.value);
  }

  private stop(): void {
    this.film?.abort();
    if (!this.live) return;
    this.live.stop();
    this.live = null;
    this.parts.stage.clear();
    this.parts.coach.clear();
    this.notice("");
    this.become(this.reports.length ? "stopped" : "ready");
    this.parts.speaker.speak("Stopped.");
  }

  private forget(): void {
    this.reports = [];
    this.people.clear();
    this.parts.cards.clear();
    this.parts.coach.clear();
    this.parts.speaker.clear();
    this.notice("");
  }

  private async watch(id: string): Promise<void> {
    const none = noCamera();
    if (none) return this.notice(none);
    if (!this.monitor) {
      this.wanted = () => void this.watch(id);
      return say(byId("status"), "Loading, then the camera starts…");
    }
    this.live?.stop();
    this.film?.abort();
    this.forget();
    this.people.keep = this.seconds();
    this.become("starting");
    this.parts.stage.show(true);
    const live = new Live(this.parts.stage.video, this.monitor, this.events(), { id, window: this.seconds() });
    this.live = live;
    try {
      await live.start();
    } catch (error) {
      live.stop();
      if (this.live !== live) return;
      this.live = null;
      this.parts.stage.clear();
      this.become("ready");
      this.notice(cameraTrouble(error));
    }
  }

  /** How much the readings speak of [s]. */
  private seconds(): number {
    return Number(byId<HTMLSelectElement>("window").value);
  }

  private events() {
    return {
      view: (view: View) => this.seen(view),
      reports: (reports: Report[]) => this.told(reports),
      trouble: (sentence: string) => this.troubled(sentence),
      opened: (id: string) => {
        if (this.state !== "live") this.become("live");
        void this.list(id);
      },
    };
  }

  private seen(view: View): void {
    this.people.see(view);
    this.parts.stage.draw(view, (face) => this.people.numberOf(face));
    if (!view.faces.length && !this.reports.length) this.parts.coach.tell("Show your face to the camera.");
  }

  /** Reports of now; somebody who is out of view has no reading of now. */
  private told(reports: Report[]): void {
    this.reports = reports;
    const { cards, coach, speaker } = this.parts;
    const away = (report: Report): string => {
      if (report.readings[0].value === null) return ""; // it says itself why
      const last = this.people.lastSeen(report.person);
      return last === null || this.live!.time - last > GAP_S ? NOBODY : "";
    };
    cards.show(reports, away);
    coach.judge(reports);
    speaker.rates(reports.map((r) => (away(r) ? { ...r.readings[0], value: null, why: away(r) } : r.readings[0])));
    const behind = this.live!.time - (reports[0].waves[0]?.time.at(-1) ?? -Infinity);
    // until the next report, which comes after as long as this one did
    const apart = this.live!.time - this.reported;
    this.reported = this.live!.time;
    if (behind < MOST_LAG_S) this.lag = Math.min(MOST_LAG_S, Math.max(behind + Math.min(apart, 4), 0.9 * this.lag));
    this.become("live");
    if (CALM.matches) this.draw();
  }

  /** Nothing is shown that is not of now. */
  private troubled(sentence: string): void {
    this.notice(sentence);
    if (!sentence) return;
    this.reports = [];
    this.people.clear();
    this.parts.cards.clear();
    this.parts.coach.clear();
    this.parts.stage.wipe();
    this.become("live");
    this.parts.speaker.speak(sentence);
  }

  /** The waves roll by, while there is a camera and nobody asked for calm. */
  private roll(): void {
    if (!CALM.matches && !document.hidden) this.draw();
  }

  private draw(): void {
    if (!this.live || !this.reports.length) return;
    const now = this.live.time + (performance.now() - this.live.came) / 1e3;
    const end = now - this.lag;
    this.parts.cards.draw(end, (t) => (t % 2 ? "" : `−${Math.max(0, Math.round(now - t))} s`));
  }

  private async list(id = this.camera.value): Promise<void> {
    const found = await this.parts.cameras();
    this.camera.replaceChildren(...found.map((c) => new Option(c.name, c.id, false, c.id === id)));
    byId("choice").hidden = found.length === 0;
  }

  private take(files: FileList | null | undefined): void {
    const film = files?.[0];
    this.file.value = "";
    if (!film) return;
    if (film.type && !film.type.startsWith("video/")) return this.notice(NOT_A_FILM);
    void this.measure(film);
  }

  private async measure(film: File): Promise<void> {
    if (!this.monitor) {
      this.wanted = () => void this.measure(film);
      return;
    }
    const { monitor } = this;
    this.live?.stop();
    this.live = null;
    this.film?.abort();
    this.parts.stage.clear();
    this.forget();
    this.people.keep = Infinity;
    const control = (this.film = new AbortController());
    this.become("film");
    this.parts.stage.show(false);
    this.parts.speaker.speak(`Measuring ${film.name}.`);
    const bar = byId<HTMLProgressElement>("progress");
    const onProgress = (share: number, view: View): void => {
      bar.value = share;
      this.seen(view);
    };
    const options = { monitor, video: this.parts.stage.video, onProgress, signal: control.signal };
    try {
      this.measured(await this.parts.measureFile(film, options), film.name);
    } catch (error) {
      this.parts.stage.clear();
      this.become("ready");
      this.notice(told(error));
    }
    if (this.film === control) this.film = null;
  }

  private measured(reports: Report[], name: string): void {
    if (this.live) return;
    this.reports = reports;
    this.parts.cards.show(reports, () => "");
    this.become("stopped");
    say(byId("status"), name);
    this.parts.coach.judge(reports);
    this.parts.cards.film(reports[0].source.duration_s);
    this.parts.speaker.rates(reports.map((r) => r.readings[0]));
  }

  private download(event: Event): void {
    const kind = (event.target as HTMLElement).closest<HTMLElement>("[data-save]")?.dataset["save"];
    if (!kind) return;
    byId<HTMLDetailsElement>("download").open = false;
    if (kind === "print") print();
    else save(kind, this.reports);
  }

  /** By Escape, and by a click elsewhere. */
  private closeMenu(): void {
    const menu = byId<HTMLDetailsElement>("download");
    addEventListener("click", (event) => {
      if (!menu.contains(event.target as Node)) menu.open = false;
    });
    menu.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || !menu.open) return;
      menu.open = false;
      menu.querySelector("summary")!.focus();
    });
  }

  private acceptDrops(): void {
    const place = byId("picture");
    const over = (event: DragEvent, on: boolean): void => {
      event.preventDefault();
      place.classList.toggle("over", on);
    };
    addEventListener("dragover", (event) => over(event, true));
    addEventListener("dragleave", (event) => over(event, event.relatedTarget !== null));
    addEventListener("drop", (event) => {
      over(event, false);
      this.take(event.dataTransfer?.files);
    });
  }
}
