import { expect, test } from '@jest/globals';
import { trackHtml } from './track-html.js';

const ADDRESSES = {
  linkFor: (_url: string, place: number) => `https://usher.example/t/${place}`,
  pixel: 'https://usher.example/t/pixel.gif',
};
const PIXEL = '<img width="1" height="1" alt="" style="border:0" src="https://usher.example/t/pixel.gif">';

test('web links lead to ours, each by its number, and the pixel is last', () => {
  const html =
    '<p><a href="https://a.example/?x=1&amp;y=2">one</a> <A HREF=http://b.example class="button">two</A></p>';
  expect(trackHtml(html, ADDRESSES)).toBe(
    `<p><a href="https://usher.example/t/1">one</a> <a href="https://usher.example/t/2" class="button">two</a></p>${PIXEL}`,
  );
});

test('other links stay, and those that are not to be counted', () => {
  const html =
    '<a href="mailto:help@example.com">1</a><a href="tel:+49">2</a><a href="#top">3</a><a href="/page">4</a><a href="https://exa mple">5</a><a href="https://a.example" data-untracked="">6</a>';
  expect(trackHtml(html, ADDRESSES)).toBe(`${html}${PIXEL}`);
});

test('a whole document stays one, with what mail programs need in comments', () => {
  const html =
    '<!DOCTYPE html><html lang="de"><head><title>T</title><!--[if mso]><style>x{}</style><![endif]--></head><body class="b"><a href="https://a.example">ä</a></body></html>';
  expect(trackHtml(html, ADDRESSES)).toBe(
    html.replace('https://a.example', 'https://usher.example/t/1').replace('</body>', `${PIXEL}</body>`),
  );
});
