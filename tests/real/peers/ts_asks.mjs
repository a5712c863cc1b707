// The questions of py_asks.py for both TypeScript servers: what a tool asks, and what it tells of the answer.
//
// A tool is called `ASK-ANYTHING`; the first word says what it asks. Each question holds `PLANTED-asked-NAME`.
const form = {
  type: 'object',
  properties: { name: { type: 'string' }, note: { type: 'string' } },
  required: ['name', 'note'],
};

export const LINK = 'https://example.test/start';
export const asks = {
  sampling: {
    method: 'sampling/createMessage',
    params: (about) => ({
      messages: [{ role: 'user', content: { type: 'text', text: `PLANTED-asked-${about} why?` } }],
      maxTokens: 50,
      systemPrompt: 'Be thorough.',
    }),
    told: (given) => `${given.model} says ${given.content.text}`,
  },
  form: {
    method: 'elicitation/create',
    params: (about) => ({ mode: 'form', message: `PLANTED-asked-${about} who?`, requestedSchema: form }),
    told: (given) => (given.action === 'accept' ? `${given.content.name}: ${given.content.note}` : given.action),
  },
  url: {
    method: 'elicitation/create',
    params: (about) => ({ mode: 'url', message: `PLANTED-asked-${about} sign in`, url: LINK, elicitationId: about }),
    told: (given) => given.action,
  },
  roots: {
    method: 'roots/list',
    params: () => undefined,
    told: (given) => given.roots.map((root) => `${root.name} at ${root.uri}`).join(', ') || 'nowhere',
  },
};

asks.shared = asks.sampling;
export const kindOf = (name) => name.split('-')[0];

// The names behind `--tools`, and the arguments without them.
export function toolNames(argv) {
  const at = argv.indexOf('--tools');
  return at < 0 ? [[], argv] : [argv[at + 1].split(','), argv.toSpliced(at, 2)];
}
