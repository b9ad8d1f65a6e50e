// What the tests in a real browser talk to: the camera, a monitor, and what it said.

import { type MonitorOptions, Monitor, type Report, type View, documentOf } from "../../src/index";

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
  const video = document.createElement("video");
  video.muted = true;
  video.playsInline = true;
  document.body.append(video);
  video.srcObject = await navigator.mediaDevices.getUserMedia({ video: { width: 640, height: 480, frameRate: 30 } });
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
    first ??= performance.now();
    told.views.push(view);
    told.faces.push(faces.length);
  };
  monitor.onReport = (reports, ms) => {
    told.reports.push(reports.map((r) => ({ ...r, waves: [] })));
    told.reportMs.push(ms);
    if (reports[0].readings[0].value !== null) told.firstRateS ??= (performance.now() - first!) / 1e3;
  };
  monitor.onError = (message) => told.errors.push(message);
  await video.play();
  const stop = monitor.watch(video);
  await new Promise((done) => setTimeout(done, seconds * 1e3));
  stop();
  const last = await monitor.now();
  told.reports.push(JSON.parse(JSON.stringify(documentOf(last))).reports);
  told.dropped = monitor.dropped;
  monitor.close();
  (video.srcObject as MediaStream).getTracks().forEach((track) => track.stop());
  return told;
}

Object.assign(globalThis, { watchCamera });
