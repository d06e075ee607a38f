import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { expect, vi } from 'vitest';

export type Json = Record<string, unknown> & { error?: { code: number; message: string } };
export type Params = Record<string, string>;

export const referer = 'http://visitor.test';
const tools = '/rest/services/System/PublishingTools/GPServer';
export const publishTask = `${tools}/Publish%20Service%20Definition`;

/** A plain client of a site, as a script would be: it says what it is told and hides nothing. */
export class SiteVisitor {
  readonly url: string;
  token = '';

  constructor(url: string) {
    this.url = url;
  }

  /** The answer as it came, for tests of the wire. */
  send(method: 'GET' | 'POST', path: string, params: Params = {}, headers: Params = { referer }) {
    const form = new URLSearchParams(params);
    if (method === 'GET')
      return fetch(`${this.url}${path}?${form}`, { headers, redirect: 'manual' });
    return fetch(`${this.url}${path}`, { method, headers, body: form, redirect: 'manual' });
  }

  async get(path: string, params: Params = {}): Promise<Json> {
    return (await this.send('GET', path, this.#with(params))).json() as Promise<Json>;
  }

  async post(path: string, params: Params = {}): Promise<Json> {
    return (await this.send('POST', path, this.#with(params))).json() as Promise<Json>;
  }

  async logIn(username: string, password: string, more: Params = {}): Promise<Json> {
    const login = { username, password, client: 'referer', referer, f: 'json', ...more };
    const answer = await (await this.send('POST', '/admin/generateToken', login)).json();
    this.token = String((answer as Json).token ?? '');
    return answer as Json;
  }

  /** The item's id, or the refusal. */
  async upload(file: string, description?: string): Promise<Json> {
    const form = new FormData();
    form.set('f', 'json');
    form.set('token', this.token);
    if (description !== undefined) form.set('description', description);
    form.set('itemFile', new Blob([await readFile(file)]), basename(file));
    return this.sendForm('/admin/uploads/upload', form);
  }

  async sendForm(path: string, form: FormData): Promise<Json> {
    const answer = await fetch(`${this.url}${path}`, {
      method: 'POST',
      headers: { referer },
      body: form,
    });
    return answer.json() as Promise<Json>;
  }

  async uploaded(file: string, description?: string): Promise<string> {
    const { item } = (await this.upload(file, description)) as { item?: { itemID: string } };
    expect(item?.itemID).toMatch(/^i[0-9a-f-]{36}$/);
    return item?.itemID ?? '';
  }

  /** The whole configuration of an uploaded definition, changed. */
  async configuration(
    itemId: string,
    change: { folderName?: string; service?: object },
  ): Promise<string> {
    const own = await this.get(`/admin/uploads/${itemId}/serviceconfiguration.json`);
    const service = { ...(own.service as object), ...change.service };
    return JSON.stringify({ ...own, ...change, service });
  }

  /** The site job's id. */
  async submit(itemId: string, overwrite?: string): Promise<string> {
    const params = { in_sdp_id: itemId, ...(overwrite && { in_config_overwrite: overwrite }) };
    const answer = await this.post(`${publishTask}/submitJob`, params);
    expect(answer).toMatchObject({ jobStatus: 'esriJobSubmitted' });
    return String(answer.jobId);
  }

  job(jobId: string): Promise<Json> {
    return this.get(`${publishTask}/jobs/${jobId}`);
  }

  async ended(jobId: string): Promise<Json & { messages: { description: string }[] }> {
    const job = await vi.waitFor(
      async () => {
        const answer = await this.job(jobId);
        expect(answer.jobStatus).not.toMatch(/New|Submitted|Waiting|Executing|Cancelling|Deleting/);
        return answer;
      },
      { timeout: 10_000, interval: 20 },
    );
    return job as Json & { messages: { description: string }[] };
  }

  /** Uploads, submits and waits. */
  async publish(file: string, overwrite: { folderName?: string; service?: object } = {}) {
    const itemId = await this.uploaded(file);
    const isOwn = Object.keys(overwrite).length === 0;
    const text = isOwn ? undefined : await this.configuration(itemId, overwrite);
    return this.ended(await this.submit(itemId, text));
  }

  #with(params: Params): Params {
    return { f: 'json', ...(this.token && { token: this.token }), ...params };
  }
}
