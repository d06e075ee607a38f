/**
 * What can be made to go wrong. `once` faults are used up (`times`, default 1); `standing` ones describe
 * the site and hold until they are cleared, or for `forMs`.
 */
const faultKinds = {
  // on the wire
  'answer-lost': 'once', // the work is done, then the socket is destroyed
  'connection-cut': 'once', // the socket is destroyed before anything is done
  'late-submit': 'once', // the connection is cut, the request is carried out `ms` later
  'late-upload': 'once', // the same with an upload
  'proxy-error': 'once', // `status` with an HTML body, `work`: before | after
  html: 'once',
  xml: 'once',
  redirect: 'once', // 302 to `location`
  slow: 'once', // `ms` before the work
  // the site as a whole
  'busy-store': 'once', // `text`: 1 | 2; `where`: answer | job
  'read-only': 'standing',
  upgrading: 'standing',
  'clock-skew': 'standing', // `ms`
  'expire-token': 'once',
  'refuse-login': 'standing',
  'portal-token-refused': 'standing', // the server takes only exchanged tokens
  'client-id-mismatch': 'standing', // tokens bound to an address fail on /rest
  'refuse-logs': 'standing',
  'refuse-roles': 'standing',
  'refuse-jobs-query': 'standing',
  'disk-full': 'once', // uploads
  'block-data-copy': 'standing',
  'no-portal-items': 'standing',
  'unreachable-data': 'standing', // validation of data items fails
  // a publish
  'lying-success': 'once',
  'lying-replace': 'once',
  'fail-publish': 'once', // `messages`, `log`, `leaves`: nothing | half-made
  'hang-job': 'once',
  'job-status': 'once', // `status`, `work`: none | done
  'forget-job': 'once',
  'refuse-cancel': 'once',
  'refuse-replace': 'standing', // `method`: manifest | overwrite
  'wrong-folder': 'once', // in_config_overwrite is not taken
  'fewer-layers': 'once', // `by`
  'renamed-layers': 'once',
  // a service
  'never-starts': 'once',
  'slow-start': 'once', // `ms`, `transitional`
  'fails-later': 'once', // `ms`
  'broken-data': 'standing', // `layer`, `service`
  'not-listed-yet': 'once', // `ms`, `where`: both | rest
  'exists-case': 'standing', // look-ups tell upper from lower case, making does not
  'delete-refused': 'once',
  'change-refused': 'once', // `operation`: start | stop | edit | delete-service | add-permission; `service`, `text`
  'stays-started': 'once', // a stop is answered with yes and does nothing; `service`
  warning: 'once', // start and stop answer with a warning
} as const;

export type FaultKind = keyof typeof faultKinds;

/** `operation` limits a fault to one or some operations by the names that `requests()` shows. */
export type Fault = {
  kind: FaultKind;
  operation?: string | string[];
  /** How often it happens; negative: until cleared. */
  times?: number;
  /** After this it is over. */
  forMs?: number;
  [param: string]: unknown;
};

type Armed = { fault: Fault; left: number; until: number };

export class Faults {
  #armed: Armed[] = [];

  /** @throws RangeError for a kind that does not exist, so that a slip of the pen does not pass a test */
  add(fault: Fault): void {
    if (!Object.hasOwn(faultKinds, fault.kind)) {
      const known = Object.keys(faultKinds).join(', ');
      throw new RangeError(`There is no fault "${fault.kind}". There are: ${known}`);
    }
    const times = fault.times ?? (faultKinds[fault.kind] === 'once' ? 1 : -1);
    const until = fault.forMs === undefined ? Number.POSITIVE_INFINITY : Date.now() + fault.forMs;
    this.#armed.push({ fault, left: times < 0 ? Number.POSITIVE_INFINITY : times, until });
  }

  clear(): void {
    this.#armed = [];
  }

  list(): Fault[] {
    return this.#live().map(({ fault }) => fault);
  }

  /** Uses a fault up; `suits` lets the taker look at its parameters first. */
  take(
    kind: FaultKind,
    operation?: string,
    suits: (fault: Fault) => boolean = () => true,
  ): Fault | undefined {
    const armed = this.#find(kind, operation, suits);
    if (!armed) return undefined;
    armed.left -= 1;
    return armed.fault;
  }

  /** Looks without using up. */
  look(
    kind: FaultKind,
    operation?: string,
    suits: (fault: Fault) => boolean = () => true,
  ): Fault | undefined {
    return this.#find(kind, operation, suits)?.fault;
  }

  #find(kind: FaultKind, operation: string | undefined, suits: (fault: Fault) => boolean) {
    return this.#live().find(
      ({ fault }) => fault.kind === kind && concerns(fault, operation) && suits(fault),
    );
  }

  #live(): Armed[] {
    this.#armed = this.#armed.filter(({ left, until }) => left > 0 && until > Date.now());
    return this.#armed;
  }
}

function concerns(fault: Fault, operation: string | undefined): boolean {
  if (fault.operation === undefined || operation === undefined) return true;
  return [fault.operation].flat().includes(operation);
}

/** A number among a fault's parameters. */
export function faultNumber(fault: Fault, param: string, otherwise: number): number {
  const value = Number(fault[param] ?? otherwise);
  return Number.isFinite(value) ? value : otherwise;
}
