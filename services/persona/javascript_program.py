"""What a V8 context is told about testing and finding expressions."""

# Strings leave V8 as JSON only: halves of surrogate pairs are escaped there.
PROGRAM = """
"use strict";
var call = 0, out = "", known = new Map();
function compiled(source, flags) {
  const name = flags + "/" + source;
  let regex = known.get(name);
  if (regex === undefined) {
    if (known.size >= 2000) known.clear();
    try { regex = new RegExp(source, flags); } catch (error) { regex = null; }
    known.set(name, regex);
  }
  if (regex !== null) regex.lastIndex = 0;
  return regex;
}
function valid(list) {
  return list.map(([source, flags]) => compiled(source, flags) === null ? "i" : "1").join("");
}
function test(number, texts, list) {
  call = number;
  out = "";
  for (const [source, flags, text] of list) {
    const regex = compiled(source, flags);
    if (regex === null) { out += "i"; continue; }
    try { out += regex.test(texts[text]) ? "1" : "0"; } catch (error) { out += "f"; }
  }
  return out;
}
function find(source, flags, texts, most) {
  const regex = compiled(source, flags);
  if (regex === null) return "null";
  return JSON.stringify(texts.map(text => found(regex, text, most)));
}
function found(regex, text, most) {
  regex.lastIndex = 0;
  const listed = [];
  for (const match of regex.global ? text.matchAll(regex) : [regex.exec(text)]) {
    if (match === null || listed.length >= most) break;
    listed.push([text.slice(0, match.index).length, Array.from(match, g => g ?? null),
                 match.groups ? Object.assign({}, match.groups) : {}]);
  }
  return listed;
}
"""
"""Functions ``valid``, ``test`` and ``find``; ``call`` and ``out`` tell how far a test came."""
