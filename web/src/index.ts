// camvitals in the browser: vital signs from ordinary RGB video, or the reason why not.

export { InputError } from "./engine/arrays";
export { measureFile, type FileOptions } from "./file";
export { Monitor, type MonitorOptions, type Picture } from "./monitor";
export { Watcher, type FaceNetworks, type Material, type Options, type View, DEFAULTS } from "./engine/watcher";
export type { Face, Roi } from "./engine/face/collect";
export type { Box, Frame, Points } from "./engine/face/frame";
export { frameOfPixels } from "./engine/face/frame";
export { LIMITS } from "./engine/capture";
export { documentOf, reportOf, reportsOf, liveSource, type Means, type Settings } from "./engine/report";
export type { Finding, Reading, Report, ReportDocument, Source, Wave } from "./engine/report_types";
export type { Trace } from "./engine/trace";
export type { Network, Tensor } from "./engine/guide";
export { openNetwork, type NetworkName } from "./engine/models";
export { METHODS, waveOf } from "./engine/wave";
export { AUTO } from "./engine/candidates";
