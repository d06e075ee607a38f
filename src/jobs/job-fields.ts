import type { JobChange } from './job-change.ts';
import { stepField } from './job-record.ts';
import { toScriptJson } from './script-json.ts';

const structured = new Set(['params', 'results', 'response']);

/** Redis holds text: plain members as they are, structured ones as JSON; absent ones not at all. */
function toText(name: string, value: unknown): string {
  if (typeof value === 'string' && !structured.has(name)) return value;
  const isPlain = typeof value === 'number' || typeof value === 'boolean';
  return isPlain && !structured.has(name) ? String(value) : toScriptJson(value);
}

function toFields(members: object): [string, string][] {
  return Object.entries(members).flatMap(([name, value]): [string, string][] =>
    value === undefined ? [] : [[name, toText(name, value)]],
  );
}

/** `''` removes a member. */
export function toChangedFields({
  status: _,
  stepRecords = [],
  isOpen,
  ...members
}: JobChange): [string, string][] {
  const removed = Object.entries(members).flatMap(([name, value]): [string, string][] =>
    value === null ? [[name, '']] : [],
  );
  const kept = Object.fromEntries(Object.entries(members).filter(([, value]) => value !== null));
  return [
    ...removed,
    ...toFields(kept),
    ...stepRecords.map((step): [string, string] => [stepField(step.name), toScriptJson(step)]),
    ...(isOpen === false ? [['open', ''] as [string, string]] : []),
  ];
}
