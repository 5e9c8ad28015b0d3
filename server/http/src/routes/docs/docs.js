// Shows what openapi.json describes, and sends requests from it. It knows OpenAPI as far as this
// server speaks it, and nothing of uploads.

const base = new URL("..", import.meta.url);
const operations = document.querySelector("#operations");

/** An element with attributes and children; text is never read as HTML. */
function element(name, attributes = {}, ...children) {
  const made = Object.assign(document.createElement(name), attributes);
  made.append(...children);
  return made;
}

/** What a reference stands for. */
function resolve(api, value) {
  const path = value?.$ref?.replace(/^#\//, "").split("/");
  return path ? path.reduce((at, name) => at[name], api) : value;
}

/** A value that a schema describes, to begin with. */
function example(api, schema, depth = 0) {
  schema = resolve(api, schema) ?? {};
  const [first] = schema.oneOf ?? schema.anyOf ?? schema.allOf ?? [];
  if (first) return example(api, first, depth);
  if (schema.enum) return schema.enum[0];
  const type = [schema.type].flat().find((type) => type !== "null");
  if (type === "array") return depth > 4 ? [] : [example(api, schema.items, depth + 1)];
  if (type === "integer" || type === "number") return schema.minimum ?? 0;
  if (type === "boolean") return false;
  if (type === "string") return "";
  const required = Object.entries(schema.properties ?? {}).filter(([name]) => schema.required?.includes(name));
  return Object.fromEntries(required.map(([name, value]) => [name, example(api, value, depth + 1)]));
}

async function send(method, path, body, output) {
  output.textContent = "…";
  const headers = {};
  const authorization = document.querySelector("#authorization").value.trim();
  if (authorization) headers.authorization = authorization;
  if (body !== undefined) headers["content-type"] = "application/json";
  try {
    const response = await fetch(new URL(path.replace(/^\//, ""), base), { method, headers, body });
    let text = await response.text();
    if (/json/.test(response.headers.get("content-type") ?? "")) text = JSON.stringify(JSON.parse(text), null, 2);
    const id = response.headers.get("x-request-id");
    output.textContent = `${response.status} ${response.statusText}\n${id ? `x-request-id: ${id}\n` : ""}\n${text}`;
  } catch (error) {
    output.textContent = String(error);
  }
}

function describe(api, method, path, operation) {
  const form = element("form");
  const inputs = (operation.parameters ?? []).map((given) => {
    const parameter = resolve(api, given);
    const input = element("input", { name: parameter.name, required: true, autocomplete: "off" });
    form.append(element("label", {}, `${parameter.name}: ${parameter.description ?? ""}`, input));
    return input;
  });
  const schema = operation.requestBody?.content?.["application/json"]?.schema;
  const body = schema && element("textarea", { spellcheck: false, value: JSON.stringify(example(api, schema), null, 2) });
  if (body) form.append(element("label", {}, "Body", body));
  const output = element("pre", { hidden: true, tabIndex: 0 });
  form.append(element("button", {}, "Send"), output);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    output.hidden = false;
    const at = inputs.reduce((at, input) => at.replace(`{${input.name}}`, encodeURIComponent(input.value)), path);
    send(method.toUpperCase(), at, body?.value, output);
  });
  const answers = Object.entries(operation.responses ?? {}).map(([status, given]) => {
    const { description, content } = resolve(api, given);
    const types = Object.values(content ?? {}).map(({ schema }) => schema?.$ref?.split("/").pop()).filter(Boolean);
    return element("li", {}, element("code", {}, status), ` ${description} ${types.join(", ")}`);
  });
  return element(
    "details",
    {},
    element("summary", {}, element("b", {}, method.toUpperCase()), element("code", {}, path), ` ${operation.summary ?? ""}`),
    element("p", {}, operation.description ?? ""),
    element("ul", {}, ...answers),
    form,
  );
}

try {
  const api = await (await fetch(new URL("openapi.json", base))).json();
  document.querySelector("#about").textContent = `${api.info.description}\n\nVersion ${api.info.version}`;
  const sections = (api.tags ?? []).map(({ name, description }) => {
    const ofTag = Object.entries(api.paths).flatMap(([path, methods]) =>
      Object.entries(methods)
        .filter(([, operation]) => operation.tags?.includes(name))
        .map(([method, operation]) => describe(api, method, path, operation)),
    );
    return element("section", {}, element("h2", {}, description ?? name), ...ofTag);
  });
  const schemas = Object.entries(api.components?.schemas ?? {}).map(([name, schema]) =>
    element("details", { id: name }, element("summary", {}, element("code", {}, name)), element("pre", {}, JSON.stringify(schema, null, 2))),
  );
  operations.replaceChildren(...sections, element("section", {}, element("h2", {}, "Schemas"), ...schemas));
} catch (error) {
  operations.replaceChildren(element("p", {}, `The description could not be read: ${error}`));
}
