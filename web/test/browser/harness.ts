// What the tests in a real browser talk to: the camera, a monitor, and what it said.

import { type MonitorOptions, Monitor, type Report, type View, documentOf, measureFile } from "../../src/index";

interface Told {
  reports: Report[][];
  reportMs: number[];
  views: Omit<View, "faces">[];
  faces: number[];
  errors: string[];
  dropped: number;
  openMs: number;
  firstRateS: number | null;
}

/** Watch the camera for some seconds, and tell what was seen. */
async function watchCamera(seconds: number, options: MonitorOptions = {}): Promise<Told> {
  const video = videoElement();
  const wanted = { width: 640, height: 480, frameRate: 30 };
  const stream = await navigator.mediaDevices.getUserMedia({ video: wanted });
  video.srcObject = stream;
  const told = await watched(video, options, () => new Promise((done) => setTimeout(done, seconds * 1e3)));
  stream.getTracks().forEach((track) => track.stop());
  return told;
}

/** Watch a file to its end. */
async function watchFile(url: string, options: MonitorOptions = {}): Promise<Told> {
  const video = videoElement();
  video.src = url;
  return watched(video, options, () => new Promise((done) => (video.onended = done)));
}

function videoElement(): HTMLVideoElement {
  const video = document.createElement("video");
  video.muted = true;
  video.playsInline = true;
  document.body.append(video);
  return video;
}

async function watched(
  video: HTMLVideoElement,
  options: MonitorOptions,
  ended: () => Promise<unknown>,
): Promise<Told> {
  const begun = performance.now();
  const monitor = await Monitor.open(options);
  const told: Told = {
    reports: [],
    reportMs: [],
    views: [],
    faces: [],
    errors: [],
    dropped: 0,
    openMs: performance.now() - begun,
    firstRateS: null,
  };
  let first: number | null = null;
  monitor.onView = ({ faces, ...view }) => {
    first ??= view.time;
    told.views.push(view);
    told.faces.push(faces.length);
  };
  monitor.onReport = (reports, ms) => {
    told.reports.push(reports.map((r) => ({ ...r, waves: [] })));
    told.reportMs.push(ms);
    if (reports[0].readings[0].value !== null) told.firstRateS ??= reports[0].readings[0].span[1] - first!;
  };
  monitor.onError = (message) => told.errors.push(message);
  const stop = monitor.watch(video);
  const end = ended();
  await video.play();
  await end;
  stop();
  told.reports.push(JSON.parse(JSON.stringify(documentOf(await monitor.now()))).reports);
  told.dropped = monitor.dropped;
  monitor.close();
  video.remove();
  return told;
}

/** Measure a whole film. */
async function measured(url: string, options: MonitorOptions = {}): Promise<unknown> {
  const ms: number[] = [];
  const begun = performance.now();
  const film = await (await fetch(url)).blob();
  const reports = await measureFile(film, { ...options, onProgress: (_, view) => ms.push(view.ms) });
  const plain = JSON.parse(JSON.stringify(documentOf(reports)));
  return { document: plain, ms, seconds: (performance.now() - begun) / 1e3 };
}

Object.assign(globalThis, { watchCamera, watchFile, measured });
