import type { FastifyInstance } from 'fastify';
import type { AddedService, SimulatedSiteControl } from './control.ts';
import type { DataItem } from './data-items.ts';
import type { Fault } from './faults.ts';

/** The control over HTTP, outside the paths of ArcGIS: JSON in, JSON out, no login. */
export function mountSimulation(app: FastifyInstance, control: SimulatedSiteControl): void {
  app.get('/simulation/requests', () => control.requests());
  app.delete('/simulation/requests', () => done(control.clearRequests()));
  app.get('/simulation/violations', () => control.violations());
  app.delete('/simulation/violations', () => done(control.clearViolations()));
  app.get('/simulation/leftovers', () => control.checkLeftovers());
  app.get('/simulation/state', () => control.state());
  app.post('/simulation/reset', async () => done(await control.reset()));

  app.get('/simulation/faults', () => control.faults());
  app.delete('/simulation/faults', () => done(control.clearFaults()));
  app.post('/simulation/faults', ({ body }) => {
    for (const fault of [body as Fault | Fault[]].flat()) control.fault(fault);
    return control.faults();
  });
  app.put('/simulation/faults', ({ body }) => {
    control.clearFaults();
    for (const fault of [body as Fault | Fault[]].flat()) control.fault(fault);
    return control.faults();
  });

  app.post('/simulation/services', ({ body }) => done(control.addService(body as AddedService)));
  app.post('/simulation/data-items', ({ body }) => done(control.addDataItem(body as DataItem)));
  app.post('/simulation/foreign-jobs', ({ body }) =>
    done(control.addForeignJob(Number((body as { ms?: number }).ms ?? 1000))),
  );
  app.post('/simulation/expire-tokens', () => done(control.expireTokens()));
  app.put('/simulation/mode', ({ body }) =>
    done(control.setMode(String((body as { mode?: string }).mode) as 'EDITABLE' | 'READ_ONLY')),
  );
}

function done(_result: unknown): object {
  return { done: true };
}
