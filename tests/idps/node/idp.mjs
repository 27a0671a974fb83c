// samlify's identity provider on the web: node idp.mjs FOLDER. Not for the Internet.
import { createServer } from "node:http";
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import samlify from "samlify";

const folder = process.argv[2];
const read = (name) => readFileSync(join(folder, name), "utf8");
const { port, url, encrypts, people } = JSON.parse(read("config.json"));
const EMAIL = "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress";
const POST = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST";
const REDIRECT = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect";

// It wants a validator of schemas; what it is sent here was made by us, and looked at by our own tests.
samlify.setSchemaValidator({ validate: async () => "not looked at" });

const TEMPLATE = samlify.SamlLib.defaultLoginResponseTemplate.context;
const idp = samlify.IdentityProvider({
  entityID: `${url}/metadata`,
  privateKey: read("idp.key"),
  signingCert: read("idp.crt"),
  wantAuthnRequestsSigned: true,
  isAssertionEncrypted: encrypts,
  requestSignatureAlgorithm: "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
  dataEncryptionAlgorithm: "http://www.w3.org/2009/xmlenc11#aes256-gcm",
  keyEncryptionAlgorithm: "http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p",
  nameIDFormat: [EMAIL],
  singleSignOnService: [REDIRECT, POST].map((Binding) => ({ Binding, Location: `${url}/sso` })),
  loginResponseTemplate: { context: TEMPLATE, attributes: [] },
});
let sp;

const escaped = (text) =>
  text.replace(/[&<>"']/g, (one) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" })[one]);
const form = (action, fields, more) =>
  `<form method="post" action="${escaped(action)}">` +
  Object.entries(fields).map(([name, value]) => `<input type="hidden" name="${name}" value="${escaped(value)}">`).join("") +
  `${more}</form>`;
const page = (body) =>
  `<!doctype html><html lang="en"><title>Identity provider</title><link rel="icon" href="data:,">${body}</html>`;

const attributes = (person) =>
  "<saml:AttributeStatement>" +
  Object.entries(person)
    .map(([name, values]) => {
      const inside = [values].flat().map((one) => `<saml:AttributeValue>${escaped(one)}</saml:AttributeValue>`).join("");
      return `<saml:Attribute Name="${name}">${inside}</saml:Attribute>`;
    })
    .join("") +
  "</saml:AttributeStatement>";

// The library leaves out the statement of how somebody signed in, and has one value for an attribute; its template has
// a place for both.
const filled = (person, request) => () => {
  const now = new Date();
  const until = new Date(now.getTime() + 300_000).toISOString();
  const at = now.toISOString();
  const id = () => `_${randomBytes(20).toString("hex")}`;
  const acs = sp.entityMeta.getAssertionConsumerService("post");
  const statement =
    `<saml:AuthnStatement AuthnInstant="${at}" SessionIndex="${id()}"><saml:AuthnContext><saml:AuthnContextClassRef>` +
    "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport" +
    "</saml:AuthnContextClassRef></saml:AuthnContext></saml:AuthnStatement>";
  const context = samlify.SamlLib.replaceTagsByValue(
    TEMPLATE.replace("{AuthnStatement}", statement).replace("{AttributeStatement}", attributes(person)),
    {
      ID: id(),
      AssertionID: id(),
      Destination: acs,
      Audience: sp.entityMeta.getEntityID(),
      SubjectRecipient: acs,
      Issuer: idp.entityMeta.getEntityID(),
      IssueInstant: at,
      StatusCode: "urn:oasis:names:tc:SAML:2.0:status:Success",
      ConditionsNotBefore: at,
      ConditionsNotOnOrAfter: until,
      SubjectConfirmationDataNotOnOrAfter: until,
      NameIDFormat: EMAIL,
      NameID: person.email,
      InResponseTo: request,
    },
  );
  return { id: request, context };
};

const routes = {
  "GET /metadata": () => idp.getMetadata(),
  "POST /sp": (sent) => {
    sp = samlify.ServiceProvider({ metadata: sent, wantMessageSigned: true });
    return "";
  },
  "GET /sso": async (_, query) => {
    const octetString = ["SAMLRequest", "SigAlg"].map((name) => `${name}=${encodeURIComponent(query[name])}`).join("&");
    return asked(await idp.parseLoginRequest(sp, "redirect", { query, octetString }));
  },
  "POST /sso": async (sent) =>
    asked(await idp.parseLoginRequest(sp, "post", { body: Object.fromEntries(new URLSearchParams(sent)) })),
  "POST /login": async (sent) => {
    const { user, id } = Object.fromEntries(new URLSearchParams(sent));
    const request = { extract: { request: { id } } };
    const person = people[user];
    const made = await idp.createLoginResponse(sp, request, "post", person, filled(person, id), true);
    const fields = { SAMLResponse: made.context };
    const send = "<script>document.forms[0].submit()</script>";
    return page(form(made.entityEndpoint, fields, "<button>Continue</button>") + send);
  },
};

const WHO = '<label>User name <input name="user" value="" autofocus></label> <button>Sign in</button>';
const asked = (request) => page(form("/login", { id: request.extract.request.id }, WHO));

createServer(async (request, response) => {
  const { pathname, searchParams } = new URL(request.url, url);
  let sent = "";
  for await (const piece of request) sent += piece;
  const route = routes[`${request.method} ${pathname}`];
  try {
    const body = route ? await route(sent, Object.fromEntries(searchParams)) : "";
    const type = pathname === "/metadata" ? "application/samlmetadata+xml" : "text/html; charset=utf-8";
    response.writeHead(route ? 200 : 404, { "Content-Type": type }).end(body);
  } catch (error) {
    console.error(error);
    response.writeHead(500, { "Content-Type": "text/plain" }).end(String(error));
  }
}).listen(port, "127.0.0.1");
