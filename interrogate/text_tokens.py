"""Texts to token numbers for CLIP and BLIP, from the tokenizer files of a model folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tokenizers import Regex, Tokenizer, decoders, normalizers, pre_tokenizers
from tokenizers.models import BPE, WordPiece

from interrogate.base import MissingFiles
from models.errors import BadModelFile

CLIP_START, CLIP_END = "<|startoftext|>", "<|endoftext|>"

_BERT_SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")

_CLIP_WORD = (
    r"<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"
)


class ClipTokens:
    """CLIP's byte-pair tokens, cut to the model's length and padded with the end token."""

    def __init__(self, folder: Path, length: int) -> None:
        """Raise MissingFiles or BadModelFile. `length` counts start and end."""
        self._fast = _read(folder, ("tokenizer.json", "vocab.json", "merges.txt"), _clip_tokenizer)
        self._length = length
        self._start = _token(self._fast, CLIP_START, folder)
        self._end = _token(self._fast, CLIP_END, folder)

    def rows(self, texts: Sequence[str]) -> list[list[int]]:
        """One row of numbers for each text, all of the longest one's length."""
        room = self._length - 2
        encoded = self._fast.encode_batch(list(texts), add_special_tokens=False)
        bodies = [item.ids[:room] for item in encoded]
        longest = max((len(body) for body in bodies), default=0)
        return [
            [self._start, *body, self._end, *[self._end] * (longest - len(body))] for body in bodies
        ]


class BertTokens:
    """BERT's word pieces in lower case, as BLIP's text decoder reads and writes them."""

    def __init__(self, folder: Path) -> None:
        """Raise MissingFiles or BadModelFile."""
        self._fast = _read(folder, ("tokenizer.json", "vocab.txt"), bert_tokenizer)
        self._begin = _token(self._fast, "[CLS]", folder)
        self.end = _token(self._fast, "[SEP]", folder)

    def framed(self, text: str) -> list[int]:
        """[CLS] text [SEP]."""
        ids = list(self._fast.encode(text.strip(), add_special_tokens=False).ids)
        return [self._begin, *ids, self.end]

    def text(self, ids: Sequence[int]) -> str:
        """The words of these numbers, without special tokens."""
        return self._fast.decode(list(ids), skip_special_tokens=True).strip()


def _read(folder: Path, names: tuple[str, ...], build: object) -> Tokenizer:
    whole, *parts = (folder / name for name in names)
    try:
        if whole.is_file():
            fast = Tokenizer.from_file(str(whole))
        elif all(path.is_file() for path in parts):
            assert callable(build)
            fast = build(*parts)
        else:
            raise MissingFiles(
                f"{folder.name} has no tokenizer: copy {whole.name}, or "
                f"{' and '.join(names[1:])}, of the same model into {folder}"
            )
    except MissingFiles:
        raise
    except Exception as error:  # the Rust package raises bare Exception
        raise BadModelFile(
            f"the tokenizer in {folder} cannot be read ({error}). Download it again."
        ) from error
    fast.no_truncation()
    fast.no_padding()
    return fast


def _clip_tokenizer(vocabulary: Path, merges: Path) -> Tokenizer:
    words, pairs = BPE.read_file(str(vocabulary), str(merges))
    fast = Tokenizer(BPE(vocab=words, merges=pairs, unk_token=CLIP_END, end_of_word_suffix="</w>"))
    fast.normalizer = normalizers.Sequence(
        [normalizers.NFC(), normalizers.Replace(Regex(r"\s+"), " "), normalizers.Lowercase()]
    )
    fast.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(_CLIP_WORD), behavior="removed", invert=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False),
        ]
    )
    return fast


def bert_tokenizer(vocabulary: Path) -> Tokenizer:
    """BERT's lower-case tokenizer from the words of a vocab.txt."""
    words = WordPiece.read_file(str(vocabulary))
    fast = Tokenizer(WordPiece(vocab=words, unk_token="[UNK]"))
    fast.normalizer = normalizers.BertNormalizer(lowercase=True)
    fast.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    fast.decoder = decoders.WordPiece()
    fast.add_special_tokens([token for token in _BERT_SPECIAL if token in words])
    return fast


def _token(fast: Tokenizer, token: str, folder: Path) -> int:
    found = fast.token_to_id(token)
    if found is None:
        raise BadModelFile(
            f"the tokenizer in {folder} lacks {token}: it belongs to another model. Copy the one "
            "that came with the weights."
        )
    return int(found)
