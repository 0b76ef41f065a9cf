"""The figures that are drawn, with the paper's sentence about each. Nothing here imports torch."""

from __future__ import annotations

from attributionlab.papers.figure_catalog import PaperFigure

PACKAGE = "attributionlab.papers.zhang2024.figures"

FIGURES = (
    PaperFigure(
        2,
        "maps of one image",
        "section 4",
        "This figure reveals a lack of consensus among attribution methods, even in our synthetic environments.",
        f"{PACKAGE}.galleries:figure2",
    ),
    PaperFigure(
        3,
        "a trained network need not use all designed features",
        "section 2 and appendix A",
        "Even though the model can achieve 100% accuracy, our test shows that the model only learns to use designed features at the "
        "corner and ignore the central ground truth features.",
        f"{PACKAGE}.training:draw_figure3",
    ),
    PaperFigure(
        5,
        "DeepSHAP",
        "section 4.1",
        "DeepSHAP correctly highlights the foreground pixels. However, it assigns both positive and negative attribution to these "
        "pixels, even when they have similar colors and close spatial locations.",
        f"{PACKAGE}.faithfulness:figure5",
    ),
    PaperFigure(
        6,
        "LIME by segmentation",
        "section 4.2",
        "LIME using Felzenszwalb fails to pass the faithfulness test with gamma = 0.5. LIME using Quickshift fails the faithfulness "
        "test with gamma = 0.6. However, LIME with SAM can pass the test for both values of gamma.",
        f"{PACKAGE}.faithfulness:figure6",
    ),
    PaperFigure(
        7,
        "IG and Occlusion by baseline",
        "section 4.3",
        "IG* and Occlusion* employing the ground truth baseline display substantial enhancement in faithfulness test.",
        f"{PACKAGE}.faithfulness:figure7",
    ),
    PaperFigure(
        8,
        "GradCAM, ExPerturb and IBA",
        "section 4.4",
        "All methods show promising recall in picking up positive features. ExPerturb has low precision (optimized mask can include "
        "other features). IBA is relatively the most faithful in identifying positive relevant features.",
        f"{PACKAGE}.faithfulness:figure8",
    ),
    PaperFigure(
        9,
        "Insertion with and without the Unseen Data Effect",
        "section 5",
        "With the presence of the Unseen Data Effect, the evaluation result changes. [Without it] several lines are overlapped.",
        f"{PACKAGE}.metrics:figure9",
    ),
    PaperFigure(
        16,
        "maps in single-color-modulo",
        "appendix F.3.2",
        "GuidedBP mistakenly identifies black pixels within the B\u00e9zier patches as contributing pixels.",
        f"{PACKAGE}.galleries:figure16",
    ),
    PaperFigure(
        17,
        "precision and recall in single-color-modulo",
        "appendix F.3.2",
        "LRP, DeepSHAP, and IG (equivalent to IG* in this setting) achieve optimal precision and recall for nearly all data samples. "
        "Although GuidedBP obtains high recall for most samples, its average precision is suboptimal. [GradCAM and IBA have low "
        "precision.]",
        f"{PACKAGE}.metrics:figure17",
    ),
    PaperFigure(
        18,
        "Sensitivity-N in single-color-modulo",
        "appendix F.5.2",
        "DeepSHAP, IG (or IG*), and LRP achieve (near) optimal performance.",
        f"{PACKAGE}.metrics:figure18",
    ),
    PaperFigure(
        19,
        "maps in multi-color-sum",
        "appendix G.3.2",
        "We observe that Occlusion is prone to breaking down, and IG assigns random positive or negative attribution to the background.",
        f"{PACKAGE}.galleries:figure19",
    ),
    PaperFigure(
        20,
        "Sensitivity-N in multi-color-sum",
        "appendix G.5.2",
        "The performance of the attribution methods is much less distinguishable than in the single-color-modulo case. [...] Second, "
        "DeepSHAP produces a negative correlation curve.",
        f"{PACKAGE}.metrics:figure20",
    ),
    PaperFigure(
        21,
        "Sensitivity-N without the Unseen Data Effect",
        "appendix I.3",
        "Figure 21 depicts the correlation curves.",
        f"{PACKAGE}.metrics:figure21",
    ),
    PaperFigure(
        22,
        "precision and recall without the Unseen Data Effect",
        "appendix I.1",
        "Figure 22 illustrates the violin plots of various attribution methods, evaluated with different sets of GT.",
        f"{PACKAGE}.metrics:figure22",
    ),
    PaperFigure(
        23,
        "precision and recall in multi-color-sum",
        "appendix G.3.2",
        "The recalls computed with positive GT for these methods [GradCAM, GuidedBP, LRP, IBA] are higher than the recalls computed "
        "with overall GT. [...] DeepSHAP exhibits low precision and recall when computed with positive or negative GT.",
        f"{PACKAGE}.metrics:figure23",
    ),
    PaperFigure(
        24,
        "LIME by segmentation in multi-color-sum",
        "appendix K",
        "In contrast to Quickshift and Felzenszwalb, SAM offers markedly improved segmentation masks for inputs. This improvement "
        "significantly boosts the faithfulness of attribution maps.",
        f"{PACKAGE}.galleries:figure24",
    ),
    PaperFigure(
        25,
        "LIME by segmentation on a real network",
        "appendix K",
        "The LIME attribution maps generated using SAM exhibit reduced noise and are visually more congruent with human perception.",
        f"{PACKAGE}.real:figure25",
    ),
)
"""In the order of the paper. Figures 1, 4 and 10 to 15 are schemes; Figure 26 needs a vision transformer (`reproduce appendix-k --vit`)."""
