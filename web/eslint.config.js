import eslint from '@eslint/js';
import tseslint from 'typescript-eslint';

// Who may import whom: apps → render → gestures → store | layout → wire. A layer names the folders it must not reach.
const forbidden = {
  wire: ['store', 'layout', 'gestures', 'render', 'apps'],
  store: ['layout', 'gestures', 'render', 'apps'],
  layout: ['store', 'gestures', 'render', 'apps'],
  gestures: ['render', 'apps'],
  render: ['apps'],
};

const layers = Object.entries(forbidden).map(([layer, folders]) => ({
  files: [`src/${layer}/**/*.{ts,tsx}`],
  rules: {
    'no-restricted-imports': [
      'error',
      {
        patterns: [
          {
            group: folders.map((folder) => `**/${folder}/**`),
            message: `${layer} must not import from ${folders.join(', ')}.`,
          },
        ],
      },
    ],
  },
}));

export default tseslint.config(
  { ignores: ['dist', 'node_modules'] },
  eslint.configs.recommended,
  ...tseslint.configs.strict,
  ...tseslint.configs.stylistic,
  {
    rules: {
      eqeqeq: 'error',
      'no-console': 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-non-null-assertion': 'error',
    },
  },
  ...layers,
);
