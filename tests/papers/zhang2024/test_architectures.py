import torch

from attributionlab.papers.claims import Status
from attributionlab.papers.zhang2024.architectures import count_weights, resnet8, table1


def test_both_rows_of_table_1_have_the_printed_counts():
    report = table1()
    findings = [finding for result in report.claims for finding in result.findings]
    assert [finding.ours.value for finding in findings] == [17, 675_033, 10, 1_227_594]
    assert {finding.status for finding in findings} == {Status.fitted}, (
        "widths and U were solved from the printed counts"
    )


def test_resnet8_classifies_images():
    with torch.no_grad():
        assert resnet8().eval()(torch.rand(2, 3, 32, 32)).shape == (2, 10)


def test_a_network_with_another_width_is_counted_otherwise():
    assert count_weights(resnet8(n_classes=11)) == (10, 1_227_594 + 257)
