// What can go wrong with a camera, a film or a browser, in one sentence each, with what to do.

export const LOST = "The camera was lost. Connect it again; the page goes on by itself.";
export const HIDDEN = "Paused while the page was hidden: no pictures came, and nothing is read of that time.";
export const SILENT = "No pictures come from the camera; close other programs that use it, or choose another.";
export const NOT_A_FILM = "This is no film; give an MP4 or WebM file.";
const NOT_HERE =
  "The camera is only given to pages of this computer (127.0.0.1) or by https; a film can be opened.";

const OF_CAMERA: Record<string, string> = {
  NotAllowedError:
    "The camera was not allowed. Allow it in the address bar of the browser and start again, or open a film.",
  SecurityError: NOT_HERE,
  NotFoundError: "No camera was found. Connect one and start again, or open a film.",
  OverconstrainedError: "This camera is no longer there; choose another.",
  NotReadableError: "The camera is used by another program. Close that one and start again.",
  AbortError: "The camera stopped before it began; start again.",
};

/** The sentence of what getUserMedia threw. */
export function cameraTrouble(error: unknown): string {
  const { name = "", message = String(error) } = (error ?? {}) as Partial<Error>;
  return OF_CAMERA[name] ?? `The camera cannot be used (${message || name}); choose another, or open a film.`;
}

/** What this browser lacks; empty when nothing. */
export function missing(): string {
  const needed: [string, boolean][] = [
    ["WebAssembly", typeof WebAssembly === "object"],
    ["module workers", typeof Worker === "function"],
    ["DecompressionStream", typeof DecompressionStream === "function"],
    ["VideoFrame or createImageBitmap", typeof VideoFrame === "function" || typeof createImageBitmap === "function"],
  ];
  const gone = needed.filter(([, there]) => !there).map(([name]) => name);
  if (!gone.length) return "";
  return `This browser lacks ${gone.join(" and ")}; use a newer Chrome, Edge, Firefox or Safari.`;
}

/** Why no camera can be asked for at all; empty when it can. */
export function noCamera(): string {
  if (!isSecureContext) return NOT_HERE;
  return navigator.mediaDevices ? "" : "This browser gives pages no camera; a film can be opened.";
}

/** A sentence of whatever was thrown. */
export function told(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
