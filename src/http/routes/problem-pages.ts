import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { RequestError } from '../../lib/errors.ts';
import { describeProblem, errorCodes, problemUri } from '../../lib/problem.ts';
import { escapeHtml, sendPage } from '../html-page.ts';
import { operation } from '../operation.ts';
import { acceptsAny, namesType } from '../plugins/negotiation.ts';

const ProblemPath = z.object({
  code: z.string().describe('Kind of problem, such as `validation-error`'),
});

const ProblemPage = z
  .object({ type: z.string(), code: z.string(), title: z.string(), status: z.int() })
  .meta({ id: 'ProblemKind' });

/** What stands behind the `type` of a problem. */
export async function problemPageRoutes(app: FastifyInstance): Promise<void> {
  const described = operation({
    operationId: 'getProblemKind',
    tag: 'operation',
    summary: 'Explain a kind of problem',
    description: 'The address in the `type` of a problem leads here.',
    scopes: 'public',
    path: ProblemPath,
    answers: { 200: { description: 'The kind', schema: ProblemPage } },
    problems: [400, 404, 406, 500],
    produces: ['application/json', 'text/html'],
  });
  app.get('/problems/:code', described, async (request, reply) => {
    const { code: slug } = request.params as z.output<typeof ProblemPath>;
    const code = errorCodes.find((each) => each.replaceAll('_', '-') === slug || each === slug);
    if (!code) throw new RequestError('not_found', 'There is no such kind of problem.');
    const kind = { type: problemUri(code, request.root), code, ...describeProblem(code) };
    const wantsPage = namesType(request.headers.accept, 'text/html');
    if (!wantsPage && acceptsAny(request.headers.accept, ['application/json'])) return kind;
    return sendPage(
      reply,
      kind.title,
      `<p><code>${code}</code>, HTTP status ${kind.status}</p><p>${escapeHtml(kind.title)}.</p>`,
    );
  });
}
