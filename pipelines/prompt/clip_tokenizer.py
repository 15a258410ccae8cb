"""The CLIP tokeniser without torch and transformers, for the page's counter and for tests."""

from __future__ import annotations

import json
from pathlib import Path

from tokenizers import Regex, normalizers, pre_tokenizers
from tokenizers import Tokenizer as FastTokenizer
from tokenizers.models import BPE

START_TOKEN = "<|startoftext|>"
END_TOKEN = "<|endoftext|>"
COMMA_TOKEN = ",</w>"

_WORD = (
    r"<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"
)


class TokenizerFilesError(ValueError):
    """A folder holds no usable CLIP vocabulary."""


class ClipTokenizer:
    """Implements pipelines.prompt.tokens.Tokenizer on the Rust `tokenizers` package."""

    def __init__(self, fast: FastTokenizer, pad_token: str = END_TOKEN) -> None:
        """`pad_token` is the end token for CLIP-L, "!" (id 0) for the OpenCLIP encoders."""
        fast.no_truncation()
        fast.no_padding()
        self._fast = fast
        self.comma_id: int | None = fast.token_to_id(COMMA_TOKEN)
        self.start_id = self._id(START_TOKEN)
        self.end_id = self._id(END_TOKEN)
        self.pad_id = self._id(pad_token)

    @classmethod
    def from_folder(cls, folder: Path) -> ClipTokenizer:
        """Read `tokenizer.json`, or `vocab.json` and `merges.txt`, as diffusers folders have them.

        Raises TokenizerFilesError when none is there or it cannot be read.
        """
        try:
            return cls(_load(folder), _pad_token(folder))
        except TokenizerFilesError:
            raise
        except Exception as error:  # the Rust package raises bare Exception
            raise TokenizerFilesError(f"{folder} holds no readable vocabulary: {error}") from error

    def encode(self, text: str) -> list[int]:
        """Ids of a text, without start and end, uncut."""
        return list(self._fast.encode(text, add_special_tokens=False).ids)

    def _id(self, token: str) -> int:
        found = self._fast.token_to_id(token)
        if found is None:
            raise _not_clip(token)
        return found


def _not_clip(token: str) -> TokenizerFilesError:
    return TokenizerFilesError(f"the vocabulary lacks {token!r}: it is not a CLIP vocabulary")


def _load(folder: Path) -> FastTokenizer:
    whole = folder / "tokenizer.json"
    if whole.is_file():
        return FastTokenizer.from_file(str(whole))
    vocabulary, merges = folder / "vocab.json", folder / "merges.txt"
    if vocabulary.is_file() and merges.is_file():
        return build_fast_tokenizer(BPE.read_file(str(vocabulary), str(merges)))
    raise TokenizerFilesError(
        f"{folder} has neither tokenizer.json nor vocab.json with merges.txt; copy the tokenizer "
        "folder of the checkpoint there"
    )


def build_fast_tokenizer(
    files: tuple[dict[str, int], list[tuple[str, str]]],
) -> FastTokenizer:
    """A CLIP tokeniser from its vocabulary (token -> id) and merges (pairs in order of rank)."""
    vocabulary, merges = files
    for token in (START_TOKEN, END_TOKEN):
        if token not in vocabulary:  # adding it below would give it an id without a vector
            raise _not_clip(token)
    fast = FastTokenizer(
        BPE(
            vocab=vocabulary,
            merges=merges,
            unk_token=END_TOKEN,
            continuing_subword_prefix="",
            end_of_word_suffix="</w>",
            fuse_unk=False,
        )
    )
    fast.normalizer = normalizers.Sequence(
        [normalizers.NFC(), normalizers.Replace(Regex(r"\s+"), " "), normalizers.Lowercase()]
    )
    fast.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(_WORD), behavior="removed", invert=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False),
        ]
    )
    fast.add_special_tokens([START_TOKEN, END_TOKEN])
    return fast


def _pad_token(folder: Path) -> str:
    """The padding token a diffusers tokenizer folder names; the end token when it names none."""
    config = folder / "tokenizer_config.json"
    if not config.is_file():
        return END_TOKEN
    pad = json.loads(config.read_text(encoding="utf-8")).get("pad_token", END_TOKEN)
    if isinstance(pad, dict):
        pad = pad.get("content", END_TOKEN)
    return pad if isinstance(pad, str) else END_TOKEN
