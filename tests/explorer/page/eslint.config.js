// The rules for the page's code; `tests/page_tools.py` calls eslint from the root of the repository.
import js from "@eslint/js";
import globals from "globals";

const LONG = { skipBlankLines: true, skipComments: true };

export default [
  { ignores: ["**/node_modules/**", ".venv/**"] },
  js.configs.recommended,
  {
    files: ["src/vaekit/explorer/page/*.js"],
    languageOptions: { globals: globals.browser },
  },
  {
    files: ["tests/explorer/page/*.js"],
    languageOptions: { globals: { ...globals.node, ...globals.browser } },
  },
  {
    rules: {
      eqeqeq: "error",
      "max-lines": ["error", 350],
      "max-lines-per-function": ["error", { max: 60, ...LONG }],
      "no-shadow": "error",
      "no-var": "error",
      "object-shorthand": "error",
      "prefer-const": "error",
    },
  },
];
