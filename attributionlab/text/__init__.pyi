from .articles import ArticleTexts, article_texts
from .attention import AttentionClassifier
from .paragraphs import Paragraphs, generated_paragraphs, read_paragraphs
from .rationale_scores import RationaleScores, SelectionOptimum, score_rationale, selection_optimum
from .rationale_training import RationaleTraining, train_rationale
from .rationales import RationaleModel
from .word_report import WordReport, word_attributions
from .word_shares import RoleShares, WordShares, attention_shares
from .word_training import TextTraining, train_text

__all__ = [
    "ArticleTexts",
    "AttentionClassifier",
    "Paragraphs",
    "RationaleModel",
    "RationaleScores",
    "RationaleTraining",
    "RoleShares",
    "SelectionOptimum",
    "TextTraining",
    "WordReport",
    "WordShares",
    "article_texts",
    "attention_shares",
    "generated_paragraphs",
    "read_paragraphs",
    "score_rationale",
    "selection_optimum",
    "train_rationale",
    "train_text",
    "word_attributions",
]
