from .articles import ArticleTexts, article_texts
from .attention import AttentionClassifier
from .paragraphs import Paragraphs, generated_paragraphs, read_paragraphs
from .word_shares import RoleShares, WordShares, attention_shares
from .word_training import TextTraining, train_text

__all__ = [
    "ArticleTexts",
    "AttentionClassifier",
    "Paragraphs",
    "RoleShares",
    "TextTraining",
    "WordShares",
    "article_texts",
    "attention_shares",
    "generated_paragraphs",
    "read_paragraphs",
    "train_text",
]
