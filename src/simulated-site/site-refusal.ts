/** Which of a site's APIs answers: each has its own way of saying no. */
export type Face = 'admin' | 'rest' | 'portal';

/** The site says no. How that looks on the wire depends on the face that was asked. */
export class SiteRefusal extends Error {
  override readonly name = 'SiteRefusal';
  readonly code: number | undefined;
  readonly messages: string[];

  constructor(code: number | undefined, ...messages: string[]) {
    super(messages.join(' '));
    this.code = code;
    this.messages = messages;
  }
}

/** Esri, Administrator API: this text, with the operation's name too for an unknown operation. */
export function notFound(what: string): SiteRefusal {
  return new SiteRefusal(404, `Could not find resource or operation '${what}' on the system.`);
}

/**
 * Both envelopes travel with HTTP status 200.
 *
 * @see Esri, "Operation Response" of the Administrator API, and the error object of the REST API
 */
export function toRefusalBody(face: Face, refusal: SiteRefusal): object {
  if (face === 'admin') {
    return {
      status: 'error',
      messages: refusal.messages,
      ...(refusal.code !== undefined && { code: refusal.code }),
    };
  }
  const [message = '', ...details] = refusal.messages;
  return { error: { code: refusal.code ?? 500, message, details } };
}
