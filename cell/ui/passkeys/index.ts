// Passkeys: asks our server what to ask of the browser, the browser for a passkey, and our server whether it holds.
// Works on pages without the rest of the scripts.

type Json = Record<string, unknown>;
type Named = { id: string; type: PublicKeyCredentialType; transports?: AuthenticatorTransport[] };

function bytes(text: string): ArrayBuffer {
  const plain = atob(text.replace(/-/g, "+").replace(/_/g, "/"));
  return Uint8Array.from(plain, (letter) => letter.charCodeAt(0)).buffer;
}

function text(buffer: ArrayBuffer | null): string | undefined {
  if (!buffer) return undefined;
  const plain = String.fromCharCode(...new Uint8Array(buffer));
  return btoa(plain).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
}

function named(list: unknown): PublicKeyCredentialDescriptor[] {
  return ((list ?? []) as Named[]).map((one) => ({ ...one, id: bytes(one.id) }));
}

/** Options as our server writes them (Web Authentication, 5.4 and 5.5), with their bytes as the browser wants them. */
async function ask(act: string, options: Json): Promise<PublicKeyCredential | null> {
  const challenge = bytes(String(options["challenge"]));
  if (act === "get") {
    const allowCredentials = named(options["allowCredentials"]);
    const publicKey = { ...options, challenge, allowCredentials } as PublicKeyCredentialRequestOptions;
    return (await navigator.credentials.get({ publicKey })) as PublicKeyCredential | null;
  }
  const user = options["user"] as { id: string; name: string; displayName: string };
  const publicKey = {
    ...options,
    challenge,
    user: { ...user, id: bytes(user.id) },
    excludeCredentials: named(options["excludeCredentials"]),
  } as unknown as PublicKeyCredentialCreationOptions;
  return (await navigator.credentials.create({ publicKey })) as PublicKeyCredential | null;
}

/** A credential in JSON (Web Authentication, 5.1.8); not every browser has `toJSON` yet. */
function written(credential: PublicKeyCredential): Json {
  const { response } = credential;
  const parts: Json = { clientDataJSON: text(response.clientDataJSON) };
  if (response instanceof AuthenticatorAttestationResponse) {
    parts["attestationObject"] = text(response.attestationObject);
    parts["transports"] = response.getTransports?.() ?? [];
  } else if (response instanceof AuthenticatorAssertionResponse) {
    parts["authenticatorData"] = text(response.authenticatorData);
    parts["signature"] = text(response.signature);
    parts["userHandle"] = text(response.userHandle);
  }
  return { id: credential.id, rawId: text(credential.rawId), type: credential.type, response: parts, clientExtensionResults: {} };
}

class Refused extends Error {}

async function post(url: string, body: Json, failed: string): Promise<Json> {
  const answer = await fetch(url, {
    method: "POST",
    headers: { "Content-Type": "application/json", Accept: "application/json" },
    body: JSON.stringify(body),
  });
  const said = (await answer.json().catch(() => ({}))) as Json;
  if (!answer.ok) throw new Refused(said["title"] ? `${String(said["title"])}. ${String(said["detail"] ?? "")}` : failed);
  return said;
}

async function start(box: HTMLElement): Promise<void> {
  const { passkey: act = "get", options = "", verify = "", next = "", namedBy = "", failed = "" } = box.dataset;
  const asked = await post(options, {}, failed);
  const credential = await ask(act, asked);
  if (!credential) throw new Refused(box.dataset["cancelled"]);
  const field = namedBy ? document.getElementById(namedBy) : null;
  const name = field instanceof HTMLInputElement ? field.value : "";
  const { next: onward } = await post(verify, { credential: written(credential), name, next }, failed);
  location.assign(String(onward));
}

function tell(box: HTMLElement, message: string): void {
  const place = box.querySelector<HTMLElement>("[data-passkey-error]");
  if (!place) return;
  place.textContent = message;
  place.hidden = message === "";
}

document.addEventListener("click", (event) => {
  const button = (event.target as Element).closest<HTMLButtonElement>("[data-passkey-start]");
  const box = button?.closest<HTMLElement>("[data-passkey]");
  if (!button || !box) return;
  if (!("PublicKeyCredential" in window)) return tell(box, box.dataset["unsupported"] ?? "");
  tell(box, "");
  button.setAttribute("aria-busy", "true");
  start(box)
    .catch((error: unknown) => {
      const own = error instanceof Refused ? error.message : "";
      tell(box, own || (box.dataset[error instanceof DOMException ? "cancelled" : "failed"] ?? ""));
    })
    .finally(() => button.removeAttribute("aria-busy"));
});
