// An hour in minutes: pictures come as fast as they are taken in, with times of a clock that runs ahead.
// TROUGH and PEAK are one face without and with its pulse; BPM(t) its rate.
(() => {
  const [RATE, WAITING] = [12, 2];
  let [time, phase, waiting, wake] = [0, 0, 0, null];
  const canvas = document.createElement("canvas");
  const pen = canvas.getContext("2d");
  const pictures = Promise.all(
    [TROUGH, PEAK].map(async (source) => {
      const image = new Image();
      image.src = source;
      await image.decode();
      return image;
    }),
  );
  let faces = null;

  const draw = () => {
    time += 1 / RATE;
    phase += ((2 * Math.PI) / RATE) * (BPM(time) / 60);
    pen.globalAlpha = 1;
    pen.drawImage(faces[0], 0, 0);
    pen.globalAlpha = 0.5 + 0.4 * Math.cos(phase) + 0.1 * Math.cos(2 * phase + 0.8);
    pen.drawImage(faces[1], 0, 0);
  };
  navigator.mediaDevices.getUserMedia = async () => {
    faces = await pictures;
    [canvas.width, canvas.height] = [faces[0].width, faces[0].height];
    draw();
    return canvas.captureStream(5);
  };

  const post = Worker.prototype.postMessage;
  Worker.prototype.postMessage = function (message, ...more) {
    if (message?.type === "frame") {
      waiting++;
      if (!this.counted) {
        this.counted = true;
        this.addEventListener("message", ({ data }) => {
          if (data.type === "taken" || data.type === "failed") waiting--;
          const next = wake;
          wake = null;
          next?.();
        });
      }
    }
    return post.call(this, message, ...more);
  };
  const Real = VideoFrame;
  globalThis.VideoFrame = class {
    constructor(source, about) {
      return new Real(source instanceof HTMLVideoElement ? canvas : source, { timestamp: 0, ...about });
    }
  };
  HTMLVideoElement.prototype.requestVideoFrameCallback = function (callback) {
    const go = () => {
      if (waiting >= WAITING) return void (wake = go);
      draw();
      callback(performance.now(), { captureTime: 1e3 * time });
    };
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = go;
    port2.postMessage(null);
  };
  globalThis.simulated = () => time;
})();
