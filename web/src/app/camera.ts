// The cameras of the device: which there are, and a stream of one of them.

const WANTED: MediaTrackConstraints = {
  width: { ideal: 640 },
  height: { ideal: 480 },
  frameRate: { ideal: 30 },
};

/** A stream of one camera, or of the one that looks at the person. Throws what getUserMedia does. */
export function openCamera(id: string): Promise<MediaStream> {
  const which: MediaTrackConstraints = id ? { deviceId: { exact: id } } : { facingMode: "user" };
  return navigator.mediaDevices.getUserMedia({ audio: false, video: { ...WANTED, ...which } });
}

/** Every camera with an id and a name; they have names only once one was allowed. */
export async function cameras(): Promise<{ id: string; name: string }[]> {
  const devices = (await navigator.mediaDevices?.enumerateDevices?.()) ?? [];
  return devices
    .filter((d) => d.kind === "videoinput" && d.deviceId)
    .map((d, k) => ({ id: d.deviceId, name: d.label || `Camera ${k + 1}` }));
}

/** The id of the camera that a stream comes from. */
export function idOf(stream: MediaStream): string {
  return stream.getVideoTracks()[0]?.getSettings().deviceId ?? "";
}

export function release(stream: MediaStream | null): void {
  for (const track of stream?.getTracks() ?? []) track.stop();
}
