import { isIP, type LookupFunction, connect as openSocket, type Socket } from 'node:net';
import { connect as openTls } from 'node:tls';
import { DestinationNotAllowedError, type EgressPolicy } from './egress-policy.ts';

/** An address of a caller that was vetted. */
export type Destination = {
  url: URL;
  /** Without brackets and without a dot at its end. */
  hostname: string;
  port: number;
  addresses: string[];
};

/**
 * Opens a connection to one of the vetted addresses and looks, before any byte is sent, whether it is one.
 *
 * @throws DestinationNotAllowedError, or what socket and TLS have to say
 */
export async function openConnection(
  destination: Destination,
  policy: EgressPolicy,
  signal: AbortSignal,
): Promise<Socket> {
  const { url, hostname, port, addresses } = destination;
  const within = AbortSignal.any([signal, AbortSignal.timeout(policy.connectMs)]);
  const socket = openSocket({ host: hostname, port, lookup: toLookup(addresses), noDelay: true });
  await opened(socket, 'connect', within);
  if (!addresses.some((address) => isSameAddress(address, socket.remoteAddress))) {
    socket.destroy();
    throw new DestinationNotAllowedError(); // before any byte was sent
  }
  if (url.protocol === 'http:') return socket;
  const secured = openTls({
    socket,
    host: hostname, // the certificate must be one for this name, whatever the address
    ...(isIP(hostname) === 0 && { servername: hostname }),
    ALPNProtocols: ['http/1.1'],
    rejectUnauthorized: true, // also where the environment says otherwise
    ...(policy.ca !== undefined && { ca: policy.ca }),
  });
  return opened(secured, 'secureConnect', within);
}

/** Answers with what was vetted, in both forms that Node asks in; nothing is resolved a second time. */
function toLookup(addresses: string[]): LookupFunction {
  const found = addresses.map((address) => ({ address, family: isIP(address) }));
  return (_hostname, { all }, done) => {
    const [first] = found;
    if (all) done(null, found);
    else done(null, first?.address ?? '', first?.family ?? 0);
  };
}

function isSameAddress(vetted: string, remote: string | undefined): boolean {
  const plain = (address: string) =>
    new URL(`http://${isIP(address) === 6 ? `[${address}]` : address}`).hostname;
  return remote !== undefined && isIP(remote) !== 0 && plain(remote) === plain(vetted);
}

function opened<S extends Socket>(socket: S, event: string, signal: AbortSignal): Promise<S> {
  return new Promise((resolve, reject) => {
    const settle = () => {
      signal.removeEventListener('abort', onAbort);
      socket.off('close', onClose);
    };
    const fail = (error: Error) => {
      settle();
      socket.destroy();
      reject(error);
    };
    const onAbort = () => fail(signal.reason as Error);
    const onClose = () => fail(new Error('The connection was closed'));
    socket.on('error', fail); // stays: an error between two owners must not end the process
    socket.once('close', onClose);
    socket.once(event, () => {
      settle();
      resolve(socket);
    });
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
  });
}
