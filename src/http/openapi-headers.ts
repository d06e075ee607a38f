const text = { type: 'string' };

/** Request headers with a meaning of their own, by the name of the component. */
export const requestHeaderParameters = {
  Prefer: {
    name: 'Prefer',
    in: 'header',
    description:
      '`wait=30` holds the answer until the job has ended or 30 seconds have passed (60 at most); `respond-async` asks for a job where the process could also answer at once.',
    schema: text,
    example: 'wait=30',
  },
  IdempotencyKey: {
    name: 'Idempotency-Key',
    in: 'header',
    description:
      'Of your choice, 16 to 255 visible ASCII characters, quoted or bare. A request repeated with the same key is answered as the first one was, for 24 hours, and makes no second job.',
    schema: {
      type: 'string',
      pattern:
        '^(?:"[\\x21\\x23-\\x5b\\x5d-\\x7e]{16,255}"|[\\x21\\x23-\\x5b\\x5d-\\x7e]{16,255})$',
    },
    example: '"8e03978e-40d5-43e8-bc93-6894a57f9324"',
  },
  IfNoneMatch: {
    name: 'If-None-Match',
    in: 'header',
    description: 'The `ETag` of the last answer: 304 when nothing has changed',
    schema: text,
  },
  ReprDigest: {
    name: 'Repr-Digest',
    in: 'header',
    description: '`sha-256=:<base64>:` of the file; what came otherwise is refused',
    schema: text,
  },
};

/** Response headers by the name of the component. */
export const responseHeaders = {
  ETag: { description: 'Version of the answer, for `If-None-Match`', schema: text },
  IdempotencyReplayed: {
    description: '`true` when this is the answer to an earlier request',
    schema: text,
  },
  Link: { description: 'The next page, as `rel="next"`', schema: text },
  Location: {
    description: 'Absolute address of what was made',
    schema: { type: 'string', format: 'uri' },
  },
  PreferenceApplied: { description: 'What of `Prefer` was followed', schema: text },
  RetryAfter: {
    description: 'Seconds after which it is worth asking again',
    schema: { type: 'integer', minimum: 1 },
  },
  WWWAuthenticate: { description: 'How to authenticate', schema: text },
  XRequestId: { description: 'Id of the request, as in the log', schema: text },
};
