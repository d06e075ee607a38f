import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { authenticate, readToken } from './authentication.ts';
import { faultNumber } from './faults.ts';
import { type Call, FileAnswer, type Operation } from './operation.ts';
import { discard, type Received, receive } from './receive.ts';
import { masked, type RequestLog } from './request-log.ts';
import { SiteRefusal, toRefusalBody } from './site-refusal.ts';
import type { SiteState } from './site-state.ts';
import { storeBusy } from './store-busy.ts';
import { htmlPage, sendWireFault, type WireFault } from './wire-faults.ts';

export type Exchange = { site: SiteState; requests: RequestLog };

/** Puts an operation on its paths, with everything around it that all requests have in common. */
export function mount(app: FastifyInstance, exchange: Exchange, operation: Operation): void {
  const root = operation.face === 'portal' ? '/portal' : `/${exchange.site.settings.context}`;
  for (const path of operation.paths) {
    app.route({
      method: ['GET', 'POST'],
      url: `${root}${path}`,
      handler: (request, reply) => serve(exchange, operation, request, reply),
    });
  }
}

async function serve(
  exchange: Exchange,
  operation: Operation,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<unknown> {
  const { site, requests } = exchange;
  const { method } = request;
  const path = request.url.split('?')[0] ?? '';
  const event = { operation: operation.name, path };
  const record = requests.add({
    method,
    path,
    operation: operation.name,
    isChange: operation.changes === true,
    at: Date.now(),
    params: {},
  });
  await requests.tell({ phase: 'before', ...event });
  const early = beforeReading(site, operation);
  if (early) return sendWireFault(reply, early);

  const received = await receive(request, site.settings.folder);
  record.params = masked(received.params);
  noteManners(site, operation, request, received);
  const work = () => carryOut(site, operation, request, received, path);
  const finish = () => work().finally(() => discard(received.files));
  if (isLate(site, operation, finish)) return sendWireFault(reply, { kind: 'destroy' });
  await beSlow(site, operation);

  const answer = await work();
  await discard(received.files);
  await requests.tell({ phase: 'after', ...event });
  const late = afterWork(site, operation);
  if (late) return sendWireFault(reply, late);
  return send(reply, operation, received.params.f, answer, site);
}

/** A refusal is an answer too; what else is thrown is a fault of the simulation. */
async function carryOut(
  site: SiteState,
  operation: Operation,
  request: FastifyRequest,
  { params, files }: Received,
  path: string,
): Promise<unknown> {
  const asked = {
    operation,
    params,
    files,
    path,
    method: request.method,
    names: request.params as Record<string, string>,
    peer: request.ip,
    referer: request.headers.referer,
    userAgent: request.headers['user-agent'],
    origin: `${request.protocol}://${request.headers.host}`,
  };
  try {
    checkMethod(site, asked);
    checkUpgrade(site, operation);
    const token = authenticate(site, asked, readToken(request, params));
    checkState(site, operation);
    return await operation.handle({ ...asked, token });
  } catch (error) {
    if (error instanceof SiteRefusal) return error;
    throw error;
  }
}

function checkMethod(site: SiteState, { operation, method, path }: Omit<Call, 'token'>): void {
  if (operation.methods !== 'POST' || method === 'POST') return;
  site.violations.record('post-needed', `${method} ${path}`);
  // That GET is refused is certain for logins of newer releases; elsewhere the text is not verified.
  throw new SiteRefusal(405, `HTTP method ${method} is not supported by this operation.`);
}

function checkUpgrade(site: SiteState, { face, changes }: Operation): void {
  const concerned = face === 'admin' || (face === 'rest' && changes);
  if (concerned && site.faults.look('upgrading'))
    throw new SiteRefusal(403, 'Upgrade in progress.');
}

function checkState(site: SiteState, operation: Operation): void {
  if (!operation.changes) return;
  if (site.mode === 'READ_ONLY') {
    // The body of this refusal is not verified.
    throw new SiteRefusal(403, 'The site is in READ_ONLY mode.');
  }
  const busy = site.faults.take('busy-store', operation.name, ({ where }) => where !== 'job');
  if (busy) throw storeBusy(busy);
}

/** What does not disturb a site now but would be held against the client. */
function noteManners(
  { violations }: SiteState,
  operation: Operation,
  request: FastifyRequest,
  { params }: Received,
): void {
  const where = `${operation.name} ${request.url.split('?')[0]}`;
  if (params.f === undefined && !operation.isFile) violations.record('f-missing', where);
  const query = request.query as Record<string, unknown>;
  if (request.method === 'POST' && query.token) violations.record('token-in-url', where);
  const contentType = request.headers['content-type'] ?? '';
  if (/json/.test(contentType)) violations.record('json-body', where);
  if (request.isMultipart() && request.headers['content-length'] === undefined) {
    violations.record('chunked-upload', where);
  }
}

function beforeReading({ faults }: SiteState, { name }: Operation): WireFault | undefined {
  if (faults.take('connection-cut', name)) return { kind: 'destroy' };
  const proxy = faults.take('proxy-error', name, ({ work }) => work !== 'after');
  if (proxy) return { kind: 'html', status: faultNumber(proxy, 'status', 502) };
  if (faults.take('html', name)) return { kind: 'html', status: 200 };
  if (faults.take('xml', name)) return { kind: 'xml' };
  const redirect = faults.take('redirect', name);
  if (!redirect) return undefined;
  return { kind: 'redirect', location: String(redirect.location ?? 'https://gis.example.org/') };
}

function afterWork({ faults }: SiteState, { name }: Operation): WireFault | undefined {
  if (faults.take('answer-lost', name)) return { kind: 'destroy' };
  const proxy = faults.take('proxy-error', name, ({ work }) => work === 'after');
  return proxy && { kind: 'html', status: faultNumber(proxy, 'status', 502) };
}

/** The client sees a cut connection; the request sits in a queue before the site and arrives later. */
function isLate(site: SiteState, { name }: Operation, work: () => Promise<unknown>): boolean {
  const fault =
    (name === 'submit' && site.faults.take('late-submit', name)) ||
    (name === 'upload' && site.faults.take('late-upload', name));
  if (!fault) return false;
  site.after(faultNumber(fault, 'ms', 1000), () => {
    work().catch(({ message }: Error) => {
      site.logs.write({ type: 'SEVERE', source: 'Server', message });
    });
  });
  return true;
}

async function beSlow(site: SiteState, { name }: Operation): Promise<void> {
  const fault = site.faults.take('slow', name);
  if (fault) await site.pause(faultNumber(fault, 'ms', 1000));
}

function send(
  reply: FastifyReply,
  operation: Operation,
  format: string | undefined,
  answer: unknown,
  site: SiteState,
): FastifyReply {
  if (site.faults.look('clock-skew')) reply.header('date', new Date(site.now()).toUTCString());
  if (answer instanceof FileAnswer) return reply.type(answer.contentType).send(answer.bytes);
  const body = answer instanceof SiteRefusal ? toRefusalBody(operation.face, answer) : answer;
  const isJson = format === 'json' || format === 'pjson' || format === 'image' || operation.isFile;
  if (!isJson) return reply.type('text/html;charset=UTF-8').send(htmlPage(operation.name));
  const label = operation.isPlainText ? 'text/plain' : 'application/json';
  const text = JSON.stringify(body, null, format === 'pjson' ? 2 : 0);
  return reply.type(`${label};charset=UTF-8`).send(text);
}
