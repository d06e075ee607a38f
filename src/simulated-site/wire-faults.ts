import type { FastifyReply } from 'fastify';

/** An answer that is none of ArcGIS Server's, or no answer. */
export type WireFault =
  | { kind: 'destroy' }
  | { kind: 'html'; status: number }
  | { kind: 'xml' }
  | { kind: 'redirect'; location: string };

/** `f=html` is the default everywhere: a page for people, without the JSON. */
export function htmlPage(title: string): string {
  return `<!DOCTYPE html><html><head><title>${title}</title></head><body><h2>${title}</h2></body></html>`;
}

export function sendWireFault(reply: FastifyReply, fault: WireFault): FastifyReply {
  if (fault.kind === 'destroy') {
    reply.hijack();
    reply.raw.socket?.destroy();
    return reply;
  }
  if (fault.kind === 'redirect') return reply.redirect(fault.location, 302);
  if (fault.kind === 'xml') {
    const page = '<?xml version="1.0"?><Error><Message>Something went wrong.</Message></Error>';
    return reply.type('text/xml').send(page);
  }
  const { status } = fault;
  return reply
    .code(status)
    .type('text/html')
    .send(htmlPage(`${status} from a proxy`));
}
