"""The generated parts of the documents: from the catalog and the results, so that they cannot go stale."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Literal, NamedTuple

from echowall.bench import published
from echowall.catalog import catalog
from echowall.catalog.contract import BY_SUITE
from echowall.check import guide
from echowall.markdown import table as markdown_table
from echowall.results import behaviour, index, model, security, store
from echowall.results.model import BenchRun, Held, SoakRun, SocketsRun
from echowall.results.verdicts import Verdict
from echowall.soak import rendering as soaks
from echowall.sockets import rendering as crowds

#: Each generated part stands between a pair of comments that names it.
BEGIN = "<!-- {name}: written by `make format` from {source} -->"
END = "<!-- /{name} -->"
#: How many wrong answers are few, in the README's summary.
_FEW = 5

Language = Literal["en", "zh"]


class Part(NamedTuple):
    """A generated part of a document."""

    source: str
    """What it is written from, for the comment above it."""
    write: Callable[[Path, Language], str]
    """Its text, from a checkout's folder. Raises StoreError for results that cannot be read."""


def files(root: Path) -> list[Path]:
    """The documents of a checkout that are generated, or have generated parts."""
    found = [file for pattern in DOCUMENTS for file in sorted(root.glob(pattern))]
    return [*found, root / "results" / store.INDEX] if (root / "results").is_dir() else found


def refreshed(file: Path, root: Path) -> str:
    """The text of one of these documents with its generated parts written anew.

    Raises ValueError where the comments that enclose a part are not there, and StoreError for results that cannot be
    read.
    """
    if file.name == store.INDEX:
        return store.index(root).decode()
    text = file.read_text("utf-8")
    language: Language = "zh" if file.stem.endswith(".zh-CN") else "en"
    for name in next(parts for pattern, parts in DOCUMENTS.items() if file in root.glob(pattern)):
        part = PARTS[name]
        begin, end = BEGIN.format(name=name, source=part.source), END.format(name=name)
        before, found, rest = text.partition(begin)
        _, closed, after = rest.partition(end)
        if not found or not closed:
            raise ValueError(f"{file}: put `{begin}` and `{end}` on lines of their own where the part belongs")
        text = f"{before}{begin}\n{part.write(root, language)}\n{end}{after}"
    return text


_STACKS: dict[Language, list[str]] = {
    "en": ["stack", "era", "server", "concurrency", "lines", "latest release", "maintenance", "wrong", "mended"],
    "zh": ["技术栈", "年代", "服务器", "并发方式", "行数", "最新版本", "维护状况", "答错", "靠修补"],
}
#: The catalog's own words, in Chinese.
_CHINESE = {
    "article": "文章",
    "modern": "现代",
    "yardstick": "参照",
    "greenlets": "greenlet",
    "threads": "线程",
    "callbacks": "回调",
    "async": "async",
    "active": "活跃",
    "occasional": "偶有更新",
    "dormant": "停滞",
}


def stacks(root: Path, language: Language) -> str:
    """The stacks as a Markdown table, one row each."""

    def word(english: str) -> str:
        return _CHINESE[english] if language == "zh" else english

    rows = [
        [
            f"[{service.title}](services/{service.name}/{service.sources[0]})",
            word(service.era),
            service.server,
            word(service.concurrency),
            str(service.lines),
            str(service.released),
            word(service.maintenance),
            f"[{service.deviations}](services/{service.name}/service.toml)",
            f"[{service.mends}](services/{service.name}/mends.py)" if service.mends else "0",
        ]
        for service in catalog.load(root)
    ]
    return markdown_table(_STACKS[language], rows)


_SUMMARY: dict[Language, dict[str, str]] = {
    "en": {
        "itself": "**Right in all {asked} questions by themselves:** {names}.",
        "mended": "**Right in all, because their services mend them:** {names}.",
        "few": "**Wrong in at most {few}:** {names}.",
        "many": "**Wrong in more:** {names}.",
        "untold": "**Not asked yet with the mends off:** {names}.",
        "wrong": "{title} ({wrong})",
        "wrong and mended": "{title} ({wrong}, and {mended} mended)",
        "none": "none",
        "comma": ", ",
        "unknown": "The store of results holds no run yet.",
    },
    "zh": {
        "itself": "**{asked} 个问题全部答对，全靠自身：**{names}。",
        "mended": "**全部答对，靠的是服务里的修补：**{names}。",
        "few": "**答错至多 {few} 个：**{names}。",
        "many": "**答错更多：**{names}。",
        "untold": "**还没有在关掉修补后提问：**{names}。",
        "wrong": "{title}（{wrong}）",
        "wrong and mended": "{title}（{wrong}，另有 {mended} 个靠修补）",
        "none": "无",
        "comma": "、",
        "unknown": "结果库里还没有任何一次运行。",
    },
}


def summary(root: Path, language: Language) -> str:
    """Which stacks are right by themselves, which because they are mended, and how many answers of others are wrong."""
    words = _SUMMARY[language]
    known = behaviour.newest(root)
    if not known:
        return words["unknown"]
    groups: dict[str, list[str]] = {"itself": [], "mended": [], "few": [], "many": [], "untold": []}
    for one in known:
        title, wrong, mended = one.service.title, len(one.wrong()), len(one.needing_mends())
        if wrong:
            how = "wrong and mended" if mended else "wrong"
            groups["many" if wrong > _FEW else "few"].append(words[how].format(title=title, wrong=wrong, mended=mended))
        elif not one.untold:
            groups["mended" if mended else "itself"].append(title)
        if one.untold:
            groups["untold"].append(title)
    asked = len(behaviour.questions(known))
    lines = []
    for how, members in groups.items():
        if members or how != "untold":
            names = words["comma"].join(members) or words["none"]
            lines.append(f"- {words[how].format(asked=asked, few=_FEW, names=names)}")
    return "\n".join(lines)


def by_suite(_root: Path, _language: Language) -> str:
    """The checks that only the browser suite makes, as a table."""
    return markdown_table(["id", "what the check holds"], [[f"`{check}`", holds] for check, holds in BY_SUITE.items()])


def soak(root: Path, _language: Language) -> str:
    """The newest soak as a table, and where and when it was."""
    kept = [run for run in store.runs(root) if isinstance(run, SoakRun)]
    if not kept:
        return "The store of results holds no soak yet."
    run = kept[-1]
    titles = {service.name: service.title for service in catalog.load(root)}
    minutes = len(run.targets[0].windows) * run.window / 60
    told = (
        f"{run.began:%Y-%m-%d}, {run.engine}, {run.machine.cores} cores, {minutes:g} minutes; "
        f"[the run](../results/soak/{run.id}.json). "
        f"The generator sent 99 % of its messages within {run.lateness / 1000:.1f} ms of their time."
    )
    return f"{told}\n\n{soaks.markdown(run, titles)}"


def sockets(root: Path, _language: Language) -> str:
    """What each stack made of many idle sockets, by the newest run that has it; and where and when those were."""
    newest: dict[str, tuple[SocketsRun, Held]] = {}
    for run in store.runs(root):
        if isinstance(run, SocketsRun):
            newest |= {one.name: (run, one) for one in run.targets}
    services = catalog.load(root)
    known = [service for service in services if service.name in newest]
    missing = [service.title for service in services if service.name not in newest]
    lines = []
    if known:
        held = [newest[service.name][1] for service in known]
        lines += [crowds.markdown(held, {service.name: service.title for service in known}), ""]
    runs = {run.id: run for run, _ in newest.values()}
    for run in sorted(runs.values(), key=lambda run: run.began):
        of = ", ".join(service.title for service in known if newest[service.name][0] is run)
        lines.append(
            f"- [{run.id}](../results/sockets/{run.id}.json): {run.began:%Y-%m-%d}, {run.engine}, "
            f"{run.machine.cores} cores: {of}."
        )
    if missing:
        lines.append(f"- None is kept yet of {', '.join(missing)}.")
    return "\n".join(lines)


def costs(root: Path, _language: Language) -> str:
    """What each stack costs."""
    titles = {service.name: service.title for service in catalog.load(root)}
    return published.costs((run for run in store.runs(root) if isinstance(run, BenchRun)), titles)


def push(root: Path, _language: Language) -> str:
    """From how seldom a message on push costs less than polling."""
    titles = {service.name: service.title for service in catalog.load(root)}
    return published.push((run for run in store.runs(root) if isinstance(run, BenchRun)), titles)


def fields(_root: Path, _language: Language) -> str:
    """What a file of results holds: a table for each of the model's structs, from their own documentation."""
    return _structs(model, Verdict)


def index_fields(_root: Path, _language: Language) -> str:
    """The same of the index."""
    return _structs(index)


def _structs(*sources: ModuleType | type) -> str:
    parts = []
    for node in [node for source in sources for node in ast.parse(inspect.getsource(source)).body]:
        if isinstance(node, ast.ClassDef):
            parts.append(f"### `{node.name}`{_extends(node)}\n\n{ast.get_docstring(node)}")
            parts.append(markdown_table(["key or value", "type", "what it is"], list(_documented(node))))
    return "\n\n".join(parts)


def _extends(node: ast.ClassDef) -> str:
    """Whose fields it has beside its own."""
    bases = [f"`{base.id}`" for base in node.bases if isinstance(base, ast.Name) and base.id != "StrEnum"]
    return f", which has those of {' and '.join(bases)} too" if bases else ""


def _documented(node: ast.ClassDef) -> Iterator[list[str]]:
    """The fields of a class, or the members of an enumeration, and the strings below them."""
    for line, below in zip(node.body, [*node.body[1:], None], strict=True):
        text = below.value.value if isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant) else ""
        if isinstance(line, ast.AnnAssign):
            yield [f"`{ast.unparse(line.target)}`", f"`{ast.unparse(line.annotation)}`", str(text)]
        elif isinstance(line, ast.Assign):
            yield [f"`{ast.literal_eval(line.value)}`", "", str(text)]


PARTS = {
    "stacks": Part("services/*/service.toml", stacks),
    "summary": Part("the newest runs in results/check", summary),
    "by-suite": Part("echowall/catalog/contract.py", by_suite),
    "behaviour": Part("the newest runs in results/check", lambda root, _: behaviour.document(root)),
    "conformance": Part("the newest runs in results/conformance", lambda root, _: behaviour.conformance(root)),
    "soak": Part("the newest run in results/soak", soak),
    "sockets": Part("the newest runs in results/sockets", sockets),
    "costs": Part("the runs in results/bench", costs),
    "push": Part("the runs in results/bench with the scenario push", push),
    "security": Part("the runs in results/attack", lambda root, _: security.document(root)),
    "checks": Part("echowall/check/suite and services/*/service.toml", lambda root, _: guide.document(root)),
    "model": Part("echowall/results/model.py", fields),
    "index": Part("echowall/results/index.py", index_fields),
}
#: Which parts each document has.
DOCUMENTS = {
    "README*.md": ("stacks", "summary"),
    "services/README.md": ("by-suite",),
    "docs/behaviour.md": ("behaviour", "conformance"),
    "docs/results.md": ("index", "model"),
    "docs/bench.md": ("push", "soak"),
    "docs/costs.md": ("costs",),
    "docs/deploying.md": ("sockets",),
    "docs/checks.md": ("checks",),
    "docs/security.md": ("security",),
}
