import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Gateway } from './gateway.ts';

export const publishing = '/v1/processes/publish-service-definition/execution';

export type Answer = {
  status: number;
  headers: Headers;
  body: Record<string, unknown> & { jobID: string; links: { href: string; rel: string }[] };
};

/** One request as a caller sends it, with the answer's JSON. */
export async function ask(
  gateway: Pick<Gateway, 'url'>,
  path: string,
  request: RequestInit = {},
): Promise<Answer> {
  const response = await fetch(path.startsWith('http') ? path : gateway.url + path, request);
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: text ? JSON.parse(text) : {} };
}

export function askJson(
  gateway: Pick<Gateway, 'url'>,
  path: string,
  body: unknown,
  headers: Record<string, string> = {},
): Promise<Answer> {
  return ask(gateway, path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
}

/** What lies in the gateway's storage: names of files below `uploads`. */
export async function storedFiles({ config }: Pick<Gateway, 'config'>): Promise<string[]> {
  return readdir(join(config.storage.path, 'uploads')).catch(() => []);
}

export function toForm(parts: [name: string, value: string | Blob, fileName?: string][]): FormData {
  const form = new FormData();
  for (const [name, value, fileName] of parts) {
    if (typeof value === 'string') form.append(name, value);
    else form.append(name, value, fileName ?? 'file');
  }
  return form;
}
