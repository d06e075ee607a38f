import { randomUUID } from 'node:crypto';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import type { WantedResults } from './execution/job-acceptance.ts';

export const ResultDocument = z
  .record(z.string(), z.unknown())
  .describe('Outputs by name; the description of the process tells their shapes')
  .meta({ id: 'ResultDocument' });

/** Of raw values: one that is a text, and several. */
export const rawTypes = ['text/plain', 'multipart/related'];

/**
 * Sends results as they were asked for: a document of all outputs, or, `raw`, one bare value, or several
 * as `multipart/related` (OGC API - Processes, Part 1: Core, "Job results").
 */
export function sendResults(
  results: Record<string, unknown>,
  { response, outputs }: WantedResults,
  reply: FastifyReply,
): FastifyReply {
  const document = toResultDocument(results, { outputs });
  const wanted = Object.entries(document);
  const [first, second] = wanted;
  if (response !== 'raw' || !first) return sendJson(document, reply);
  if (!second) return sendValue(first[1], reply);
  return sendParts(wanted, reply);
}

/** The outputs that are wanted, by name. */
export function toResultDocument(
  results: Record<string, unknown>,
  { outputs }: { outputs?: string[] | undefined },
): Record<string, unknown> {
  const all = Object.entries(results).filter(([, value]) => value !== undefined);
  return Object.fromEntries(outputs ? all.filter(([name]) => outputs.includes(name)) : all);
}

function sendJson(value: unknown, reply: FastifyReply): FastifyReply {
  return reply.header('content-type', 'application/json').send(Buffer.from(JSON.stringify(value)));
}

function sendValue(value: unknown, reply: FastifyReply): FastifyReply {
  if (typeof value !== 'string') return sendJson(value, reply);
  return reply.header('content-type', 'text/plain; charset=utf-8').send(Buffer.from(value));
}

function sendParts(outputs: [string, unknown][], reply: FastifyReply): FastifyReply {
  const boundary = randomUUID();
  const parts = outputs.map(([name, value]) => {
    const [type, body] =
      typeof value === 'string'
        ? ['text/plain; charset=utf-8', value]
        : ['application/json', JSON.stringify(value)];
    return `--${boundary}\r\nContent-ID: <${name}>\r\nContent-Type: ${type}\r\n\r\n${body}\r\n`;
  });
  return reply
    .header('content-type', `multipart/related; boundary=${boundary}`)
    .send(Buffer.from(`${parts.join('')}--${boundary}--\r\n`));
}
