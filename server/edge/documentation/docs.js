// Draws the page from /api/openapi.json and sends what is filled in. Text is only ever set as text, never as markup.

const METHODS = ["get", "post", "put", "patch", "delete"];
let token = null;

function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children.filter((child) => child !== null));
  return made;
}

function resolved(api, part) {
  if (!part || !part.$ref) return part;
  return part.$ref.slice(2).split("/").reduce((found, key) => found[key], api);
}

function pretty(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

function fieldFor(parameter) {
  const given = parameter.example ?? "";
  const label = `${parameter.name}${parameter.required ? " *" : ""} (${parameter.in})`;
  const input = element("input", { name: parameter.name, value: String(given), required: parameter.required === true });
  input.title = parameter.description ?? JSON.stringify(parameter.schema);
  return { parameter, input, label: element("label", {}, label, input) };
}

function addressOf(path, fields) {
  let address = path;
  const query = new URLSearchParams();
  for (const { parameter, input } of fields) {
    if (input.value === "") continue;
    if (parameter.in === "path") address = address.replace(`{${parameter.name}}`, encodeURIComponent(input.value));
    if (parameter.in === "query") query.append(parameter.name, input.value);
  }
  return query.size ? `${address}?${query}` : address;
}

function headersFrom(fields, hasBody) {
  const headers = new Headers();
  for (const { parameter, input } of fields) {
    if (parameter.in === "header" && input.value !== "") headers.set(parameter.name, input.value);
  }
  if (hasBody) headers.set("content-type", "application/json");
  if (token) headers.set("authorization", `Bearer ${token}`);
  return headers;
}

async function send(method, path, fields, body, shown) {
  shown.hidden = false;
  shown.textContent = "…";
  const begun = performance.now();
  try {
    const answer = await fetch(addressOf(path, fields), {
      method: method.toUpperCase(),
      headers: headersFrom(fields, body !== ""),
      body: body === "" ? undefined : body,
    });
    const text = await answer.text();
    const took = Math.round(performance.now() - begun);
    shown.textContent = `${answer.status} ${answer.statusText} in ${took} ms\n\n${pretty(text)}`;
  } catch (error) {
    shown.textContent = String(error);
  }
}

function answersOf(api, operation) {
  const items = Object.entries(operation.responses).map(([status, response]) =>
    element("li", {}, element("code", {}, status), resolved(api, response).description ?? ""),
  );
  return element("ul", { className: "answers" }, ...items);
}

function schemaOf(api, operation) {
  const media = operation.requestBody?.content?.["application/json"];
  if (!media) return null;
  const alternatives = media.schema.anyOf ?? [media.schema];
  const schema = resolved(api, alternatives[0]);
  return element("details", {}, element("summary", {}, "Schema of the body"),
    element("pre", {}, JSON.stringify(schema, null, 2)));
}

function drawCall(api, path, method, operation) {
  const fields = (operation.parameters ?? []).map(fieldFor);
  const media = operation.requestBody?.content?.["application/json"];
  const body = media
    ? element("textarea", { ariaLabel: "Body", spellcheck: false, value: media.example ? JSON.stringify(media.example, null, 2) : "" })
    : null;
  const shown = element("pre", { hidden: true, tabIndex: 0 });
  const form = element("form", {},
    element("div", { className: "fields" }, ...fields.map((field) => field.label)), body,
    element("button", {}, "Send"));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    void send(method, path, fields, body ? body.value : "", shown);
  });
  const drawn = element("details", {},
    element("summary", {},
      element("span", { className: `method ${method}` }, method.toUpperCase()),
      element("span", { className: "path" }, path),
      element("span", { className: "what" }, operation.summary ?? "")),
    element("div", { className: "call" },
      operation.description ? element("p", {}, operation.description) : null,
      form, shown, schemaOf(api, operation), answersOf(api, operation)));
  drawn.dataset.words = `${method} ${path} ${operation.summary} ${operation.description ?? ""}`.toLowerCase();
  return drawn;
}

function draw(api) {
  const said = `Version ${api.info.version}. ${api.info.description}`.split("`");
  document.getElementById("about").append(...said.map((part, index) => (index % 2 ? element("code", {}, part) : part)));
  const groups = new Map();
  for (const [path, item] of Object.entries(api.paths)) {
    for (const method of METHODS.filter((each) => each in item)) {
      const tag = item[method].tags[0];
      if (!groups.has(tag)) groups.set(tag, element("section", {}, element("h2", {}, tag)));
      groups.get(tag).append(drawCall(api, path, method, item[method]));
    }
  }
  document.getElementById("calls").append(...groups.values());
  const faults = document.getElementById("faults");
  for (const [name, response] of Object.entries(api.components.responses)) {
    const example = Object.values(response.content["application/problem+json"].examples)[0].value;
    const drawn = element("details", { id: example.code },
      element("summary", {}, element("code", {}, String(example.status)), `${name}: ${response.description}`),
      element("pre", {}, JSON.stringify(example, null, 2)));
    faults.append(drawn);
  }
  const violations = document.getElementById("violations");
  for (const [code, message] of Object.entries(api["x-violations"])) {
    violations.append(element("details", { id: document.getElementById(code) ? "" : code },
      element("summary", {}, element("code", {}, code)), element("p", { className: "call" }, message)));
  }
  if (location.hash) document.getElementById(location.hash.slice(1))?.setAttribute("open", "");
}

document.getElementById("filter").addEventListener("input", (event) => {
  const wanted = event.target.value.toLowerCase();
  for (const drawn of document.querySelectorAll("#calls details[data-words]")) {
    drawn.hidden = !drawn.dataset.words.includes(wanted);
  }
  for (const group of document.querySelectorAll("#calls > section")) {
    group.hidden = !group.querySelector("details[data-words]:not([hidden])");
  }
});

document.getElementById("sign-in").addEventListener("submit", async (event) => {
  event.preventDefault();
  const { email, password } = Object.fromEntries(new FormData(event.target));
  const answer = await fetch("/api/auth/login", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ email, password }),
  });
  const body = await answer.json();
  token = answer.ok ? body.access_token : null;
  document.getElementById("who").textContent = answer.ok ? `${body.user.name}, ${body.user.role}` : body.detail;
});

draw(await (await fetch("/api/openapi.json")).json());
