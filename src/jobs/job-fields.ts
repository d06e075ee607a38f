import type { JobChange } from './job-change.ts';
import { stepField } from './job-record.ts';
import { toScriptJson } from './script-json.ts';

/** Redis holds text: plain members as they are, structured ones as JSON; absent ones not at all. */
export function toFields(members: Record<string, unknown>): [string, string][] {
  const plain = new Set(['string', 'number', 'boolean']);
  const structured = new Set(['params', 'results', 'response']);
  return Object.entries(members).flatMap(([name, value]): [string, string][] => {
    if (value === undefined) return [];
    const isPlain = plain.has(typeof value) && !structured.has(name);
    return [[name, isPlain ? String(value) : toScriptJson(value)]];
  });
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
