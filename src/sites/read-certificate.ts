import { connect } from 'node:tls';

/** What an address shows of itself, for telling why it is not trusted. */
export type ShownCertificate = { names: string[]; issuer: string; validTo: string };

const patienceMs = 5_000;

/** Looks at a certificate without trusting it; nothing is sent. Undefined where none can be had. */
export function readCertificate(url: string): Promise<ShownCertificate | undefined> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve) => {
    const socket = connect({
      host: hostname.replace(/^\[|\]$/g, ''),
      port: Number(port || 443),
      rejectUnauthorized: false,
      ...(/^[\d.]+$|:/.test(hostname) ? {} : { servername: hostname }),
    });
    const finish = (certificate: ShownCertificate | undefined) => {
      socket.destroy();
      resolve(certificate);
    };
    socket.setTimeout(patienceMs, () => finish(undefined));
    socket.once('error', () => finish(undefined));
    socket.once('secureConnect', () => {
      const { subject, subjectaltname, issuer, valid_to: validTo } = socket.getPeerCertificate();
      const names = subjectaltname?.split(', ') ?? [subject?.CN].flat();
      finish({
        names: names.filter((name) => name !== undefined),
        issuer: [issuer?.O, issuer?.CN].flat().filter(Boolean).join(', '),
        validTo,
      });
    });
  });
}
