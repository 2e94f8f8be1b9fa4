/* Colours of code, as classes: the policy of the site allows no style attributes. theme/style.css has the colours. */
import { createCssVariablesTheme } from 'shiki';

/** Each token gets `color:var(--code-…)`. */
export const codeTheme = createCssVariablesTheme({
  name: 'usher',
  variablePrefix: '--code-',
  fontStyle: false,
});

/** A transformer of Shiki: the colour of a token becomes its class. */
export const codeAsClasses = {
  name: 'usher:classes',
  span(node) {
    const [, name] = /var\(--code-([\w-]+)\)/.exec(node.properties.style ?? '') ?? [];
    delete node.properties.style;
    if (name) this.addClassToHast(node, `code-${name}`);
  },
};
