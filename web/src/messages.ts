// What the page and its two workers say to each other.

import type { Sent } from "./engine/decode";
import type { Report } from "./engine/report_types";
import type { Material, Options, View } from "./engine/watcher";

/** To the worker that watches. */
export type ToFrames =
  | { type: "open"; base: string; threads: number; options: Options; port: MessagePort }
  | { type: "frame"; id: number; picture: Sent; time: number }
  | { type: "now"; id: number }
  | { type: "restart"; options: Options };

/** From the worker that watches; `view` is null where the picture was passed over. */
export type FromFrames =
  | { type: "ready" }
  | { type: "taken"; id: number; view: View | null }
  | { type: "failed"; id: number | null; message: string };

/** From the worker that watches to the one that reports; id: of who asked, or null when due. */
export interface ToReports {
  type: "report";
  id: number | null;
  material: Material;
}

/** Back to the worker that watches: another may be sent. */
export interface Done {
  type: "done";
}

/** To the worker that reports. */
export interface OpenReports {
  type: "open";
  base: string;
  threads: number;
  options: Options;
  port: MessagePort;
}

/** From the worker that reports. */
export type FromReports =
  | { type: "ready" }
  | { type: "reports"; id: number | null; reports: Report[]; ms: number }
  | { type: "failed"; id: number | null; message: string };
