/** Text that tries to become structure where it is printed. */
import fc from 'fast-check';

export const attacks = [
  ['a script', '<script>alert(1)</script>'],
  ['a closing tag', '</code></td></details><h1>x'],
  ['an attribute', '" onmouseover="alert(1)'],
  ['an entity', '&lt;script&gt; &#60;b&#62;'],
  ['a comment', '<!-- -->'],
  ['a pipe', 'a | b \\| c \\\\| d'],
  ['backticks', '``` ` `` a`b'],
  ['paired backticks', '`</code><b>` and `|`'],
  ['emphasis', '**a** _b_ ~~c~~'],
  ['a link', '[a](javascript:alert(1)) ![b](https://x.example/y.png)'],
  ['a heading on a new line', 'a\n\n# b\n- c'],
  ['carriage returns', 'a\r\n\r\n| b |'],
  ['line separators', 'a\u2028# b\u2029'],
  ['an escape code', '\u001b[31mred\u0007'],
  ['nothing', ''],
] as const;

export const anyText: fc.Arbitrary<string> = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({ unit: fc.constantFrom(...'<>&"\'`|\\*_[]()#-+!~@\n\r\t :=ab1'), maxLength: 20 }),
);
