// The document is that of the Python package: held to the schema that the package ships.

import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { documentOf, liveSource, reportsOf } from "../src/engine/report";
import { network } from "./networks";
import { load, traceOf } from "./vectors";

const path = "../../src/camvitals/report/report_1.schema.json";
const schema = JSON.parse(readFileSync(new URL(path, import.meta.url), "utf8"));

/** What is wrong with a value by the part of JSON Schema that ours uses. */
function faults(value: any, rule: any, where = "$"): string[] {
  if (rule.$ref) return faults(value, schema.$defs[rule.$ref.split("/").pop()], where);
  const found: string[] = [];
  const kind = value === null ? "null" : Array.isArray(value) ? "array" : typeof value;
  const kinds = [rule.type ?? kind].flat();
  const whole = kind === "number" && Number.isInteger(value) && kinds.includes("integer");
  if (!kinds.includes(kind) && !whole) return [`${where} is ${kind}, not ${kinds}`];
  if ("const" in rule && value !== rule.const) found.push(`${where} is ${value}`);
  if (kind === "number" && (value < rule.minimum || value > rule.maximum)) found.push(`${where} is ${value}`);
  if (kind === "string" && value.length < (rule.minLength ?? 0)) found.push(`${where} is empty`);
  if (kind === "array") {
    if (value.length < (rule.minItems ?? 0) || value.length > (rule.maxItems ?? Infinity)) found.push(`${where} length`);
    if (rule.items) value.forEach((v: any, i: number) => found.push(...faults(v, rule.items, `${where}[${i}]`)));
  }
  if (kind === "object") {
    for (const key of rule.required ?? []) if (!(key in value)) found.push(`${where} lacks ${key}`);
    for (const [key, entry] of Object.entries(value)) {
      const own = rule.properties?.[key] ?? rule.additionalProperties;
      if (own === false || own === undefined) {
        if (rule.additionalProperties === false) found.push(`${where} has ${key}`);
      } else if (own !== true) found.push(...faults(entry, own, `${where}.${key}`));
    }
  }
  if (rule.oneOf && rule.oneOf.filter((one: any) => faults(value, one, where).length === 0).length !== 1) {
    found.push(`${where} fits none of its forms, or several`);
  }
  return found;
}

it.each(["clear", "still"])("writes the report of %s as the package's schema has it", async (name) => {
  const trace = traceOf(load(name));
  const source = liveSource(trace.time, { width_px: 640, height_px: 480 });
  const settings = { method: "auto", roi: "face" };
  const reports = await reportsOf([trace], source, { settings, guide: await network("regionpulse") });
  const written = JSON.parse(JSON.stringify(documentOf(reports)));
  expect(faults(written, schema)).toEqual([]);
  expect(written.reports[0].person).toBe(1);
});

it("sees faults where there are some", () => {
  const broken = { schema: "camvitals.report/1", software: { name: "x" }, reports: [{ person: "a" }], more: 1 };
  expect(faults(broken, schema).length).toBeGreaterThan(3);
});

it("reports nobody, with the reason, where nobody was seen", async () => {
  const settings = { method: "auto", roi: "face" };
  const [report] = await reportsOf([], liveSource([0, 0.1, 0.2], {}), { settings, guide: null });
  expect(report.readings[0].value).toBeNull();
  expect(report.readings[0].why).toMatch(/nobody was seen/);
  expect(faults(JSON.parse(JSON.stringify(documentOf([report]))), schema)).toEqual([]);
});
