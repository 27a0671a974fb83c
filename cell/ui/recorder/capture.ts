// Screen, camera and microphone: asking for them, showing them, mixing their sound, measuring the voice.

export type CaptureFault = "denied" | "blocked-by-system" | "nothing-shared" | "no-device" | "busy" | "unsupported";
export type Eye = "screen" | "camera";

/** The browser gave no picture or no sound; `fault` says why, in terms of what the customer can do. */
export class CaptureError extends Error {
  readonly fault: CaptureFault;

  constructor(fault: CaptureFault, cause?: unknown) {
    super(fault, { cause });
    this.fault = fault;
  }
}

/** Text stays readable and 30 frames a second are enough to follow a pointer; a 5K screen is scaled down. */
const SCREEN: MediaTrackConstraints = { frameRate: { max: 30 }, width: { max: 2560 }, height: { max: 1600 } };
const CAMERA: MediaTrackConstraints = { width: { ideal: 1280 }, height: { ideal: 720 }, frameRate: { max: 30 } };
const VOICE: MediaTrackConstraints = { echoCancellation: true, noiseSuppression: true, autoGainControl: true };

/** Options of getDisplayMedia that the type library does not know yet; browsers ignore what they do not know. */
interface ScreenOptions extends DisplayMediaStreamOptions {
  selfBrowserSurface: "exclude";
  surfaceSwitching: "include";
  systemAudio: "include";
}

/** Which of the faults an error of getUserMedia or getDisplayMedia is. */
export function faultOf(error: { name: string; message: string }, of: Eye | "microphone"): CaptureFault {
  switch (error.name) {
    case "NotAllowedError":
    case "SecurityError":
      if (/by system/i.test(error.message)) return "blocked-by-system";
      return of === "screen" ? "nothing-shared" : "denied";
    case "NotFoundError":
    case "OverconstrainedError":
    case "DevicesNotFoundError":
      return "no-device";
    case "NotReadableError":
    case "AbortError":
    case "TrackStartError":
      return "busy";
    default:
      return "unsupported";
  }
}

async function ask(of: Eye | "microphone", request: () => Promise<MediaStream>): Promise<MediaStream> {
  try {
    return await request();
  } catch (error) {
    throw new CaptureError(faultOf(error as Error, of), error);
  }
}

/** What this browser can give at all: phones have no getDisplayMedia. */
export function abilities(): { screen: boolean; camera: boolean; record: boolean } {
  const devices: Partial<MediaDevices> | undefined = navigator.mediaDevices;
  const record = typeof MediaRecorder === "function";
  return {
    record,
    screen: record && typeof devices?.getDisplayMedia === "function",
    camera: record && typeof devices?.getUserMedia === "function",
  };
}

/** A picture that is being taken, with a microphone that may be added. Close it to let go of all devices. */
export class Capture {
  /** Called when the picture ends by itself: "Stop sharing" in the browser's own bar, a camera unplugged. */
  onended: () => void = () => {};

  readonly eye: Eye;
  #picture: MediaStream;
  #voice: MediaStream | null = null;
  #meter: { context: AudioContext; analyser: AnalyserNode } | null = null;
  #facing: "environment" | "user" = "environment";

  private constructor(eye: Eye, picture: MediaStream) {
    this.eye = eye;
    this.#picture = picture;
    this.#watch();
  }

  /** Opens the browser's own dialog. Must be called by a click. Throws CaptureError. */
  static async open(eye: Eye): Promise<Capture> {
    if (!abilities()[eye]) throw new CaptureError("unsupported");
    const options: ScreenOptions = {
      video: SCREEN,
      audio: true,
      selfBrowserSurface: "exclude",
      surfaceSwitching: "include",
      systemAudio: "include",
    };
    const picture = await ask(eye, () =>
      eye === "screen"
        ? navigator.mediaDevices.getDisplayMedia(options)
        : navigator.mediaDevices.getUserMedia({ video: { ...CAMERA, facingMode: "environment" } }),
    );
    return new Capture(eye, picture);
  }

  get picture(): MediaStream {
    return this.#picture;
  }

  get hasMicrophone(): boolean {
    return this.#voice !== null;
  }

  /** The sound that comes with the picture: the computer's, or a tab's. */
  get hasSystemSound(): boolean {
    return this.#picture.getAudioTracks().length > 0;
  }

  /** Turns the microphone on (the browser may ask) or off. Throws CaptureError; the picture goes on. */
  async useMicrophone(on: boolean): Promise<void> {
    this.#dropVoice();
    if (!on) return;
    this.#voice = await ask("microphone", () => navigator.mediaDevices.getUserMedia({ audio: VOICE }));
    const context = new AudioContext();
    const analyser = new AnalyserNode(context, { fftSize: 1024, smoothingTimeConstant: 0.4 });
    new MediaStreamAudioSourceNode(context, { mediaStream: this.#voice }).connect(analyser);
    this.#meter = { context, analyser };
  }

  /** True where a phone has a camera on each side. */
  async canTurn(): Promise<boolean> {
    if (this.eye !== "camera") return false;
    const devices = await navigator.mediaDevices.enumerateDevices();
    return devices.filter(({ kind }) => kind === "videoinput").length > 1;
  }

  /** Changes to the camera on the other side. Throws CaptureError. */
  async turn(): Promise<void> {
    this.#facing = this.#facing === "user" ? "environment" : "user";
    for (const track of this.#picture.getTracks()) track.stop(); // Phones open one camera at a time.
    this.#picture = await ask("camera", () =>
      navigator.mediaDevices.getUserMedia({ video: { ...CAMERA, facingMode: this.#facing } }),
    );
    this.#watch();
  }

  /** Loudness of the voice now, 0 to 1, on a scale that looks even to the eye. */
  level(): number {
    if (!this.#meter) return 0;
    const samples = new Float32Array(this.#meter.analyser.fftSize);
    this.#meter.analyser.getFloatTimeDomainData(samples);
    return loudness(samples);
  }

  mute(on: boolean): void {
    for (const track of this.#voice?.getAudioTracks() ?? []) track.enabled = !on;
  }

  /** The raw picture and, mixed into one track, all sound there is. `release` frees the mixer. */
  mixed(): { stream: MediaStream; release: () => void } {
    const sounds = [this.#picture, this.#voice].filter((s): s is MediaStream => !!s?.getAudioTracks().length);
    const video = this.#picture.getVideoTracks();
    if (sounds.length === 0) return { stream: new MediaStream(video), release: () => {} };
    const context = new AudioContext();
    const out = new MediaStreamAudioDestinationNode(context);
    for (const mediaStream of sounds) new MediaStreamAudioSourceNode(context, { mediaStream }).connect(out);
    void context.resume();
    return { stream: new MediaStream([...video, ...out.stream.getAudioTracks()]), release: () => void context.close() };
  }

  close(): void {
    this.onended = () => {};
    for (const track of this.#picture.getTracks()) track.stop();
    this.#dropVoice();
  }

  #watch(): void {
    for (const track of this.#picture.getVideoTracks()) track.addEventListener("ended", () => this.onended());
  }

  #dropVoice(): void {
    for (const track of this.#voice?.getTracks() ?? []) track.stop();
    void this.#meter?.context.close();
    this.#voice = null;
    this.#meter = null;
  }
}

/** Root mean square of the samples, in decibels from -60 (0) to -10 (1): where voices are. */
export function loudness(samples: Float32Array): number {
  let squares = 0;
  for (const sample of samples) squares += sample * sample;
  const decibels = 10 * Math.log10(squares / samples.length + 1e-12);
  return Math.min(1, Math.max(0, (decibels + 60) / 50));
}
