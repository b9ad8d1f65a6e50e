// An hour in minutes: pictures come as fast as they are taken in, with times of a clock that runs ahead.
// TROUGH and PEAK are one face without and with its pulse; BPM(t) its rate.
(() => {
  const [RATE, WAITING, NOISE] = [12, 2, 1.5];
  let [time, phase, waiting, wake] = [0, 0, 0, null];
  const canvas = document.createElement("canvas");
  const pen = canvas.getContext("2d", { willReadFrequently: true });
  const pictures = Promise.all(
    [TROUGH, PEAK].map(async (source) => {
      const image = new Image();
      image.src = source;
      await image.decode();
      return image;
    }),
  );
  let [faces, drawn] = [null, null];

  // every picture has noise of its own, as a camera's has: without it all pixels would step at once
  const noise = new Float32Array(1 << 18);
  for (let k = 0; k < noise.length; k++) {
    const [u, v] = [1 - Math.random(), Math.random()];
    noise[k] = k % 4 === 3 ? 0 : NOISE * Math.sqrt(-2 * Math.log(u)) * Math.cos(2 * Math.PI * v);
  }
  const draw = () => {
    time += 1 / RATE;
    phase += ((2 * Math.PI) / RATE) * (BPM(time) / 60);
    const share = 0.5 + 0.4 * Math.cos(phase) + 0.1 * Math.cos(2 * phase + 0.8);
    const [trough, peak] = faces;
    const at = 4 * Math.floor((Math.random() * noise.length) / 4);
    for (let k = 0; k < trough.length; k++) {
      const grain = noise[(at + k) % noise.length];
      drawn.data[k] = trough[k] + share * (peak[k] - trough[k]) + grain;
    }
    pen.putImageData(drawn, 0, 0);
  };
  navigator.mediaDevices.getUserMedia = async () => {
    const images = await pictures;
    [canvas.width, canvas.height] = [images[0].width, images[0].height];
    drawn = pen.createImageData(canvas.width, canvas.height);
    faces = images.map((image) => {
      pen.drawImage(image, 0, 0);
      return Float32Array.from(pen.getImageData(0, 0, canvas.width, canvas.height).data);
    });
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
