"""The Korean sentences of the page, by the English ones; terms as in the course."""

PAGE = {
    "Training report": "학습 보고서",
    "{count} problems found": "문제 {count}가지를 찾았습니다",
    "1 problem found": "문제 한 가지를 찾았습니다",
    "No problem found": "문제를 찾지 못했습니다",
    "Nothing was recorded yet": "아직 기록된 것이 없습니다",
    "The gravest: ": "가장 심각한 것: ",
    "A number became NaN or infinite. From there on nothing is learned.": (
        "어떤 값이 NaN이나 무한대가 되었습니다. 그때부터는 아무것도 학습되지 않습니다."
    ),
    "Some weights get no gradient at all, so they stay as they are.": (
        "일부 가중치가 기울기를 전혀 받지 못해 값이 그대로입니다."
    ),
    "The gradient grows on its way back until the steps destroy what was learned.": (
        "기울기가 역전파될수록 커져, 갱신할 때마다 학습한 것이 망가집니다."
    ),
    "The gradient shrinks on its way back, so the layers near the input hardly learn.": (
        "기울기가 역전파될수록 작아져, 입력에 가까운 층이 거의 학습되지 않습니다."
    ),
    "Many units give 0 whatever the input. They can no longer learn.": (
        "많은 유닛이 어떤 입력에도 0을 출력합니다. 이런 유닛은 더 이상 학습되지 않습니다."
    ),
    "Many units are pushed to the flat ends of their function, where they stop learning.": (
        "많은 유닛이 활성화 함수의 평평한 끝부분에 몰려 학습이 멈췄습니다."
    ),
    "Each step changes the weights so much that it destroys what was learned.": (
        "한 스텝에 가중치가 너무 많이 바뀌어 학습한 것이 망가집니다."
    ),
    "Each step changes the weights so little that training hardly advances.": (
        "한 스텝에 가중치가 너무 조금 바뀌어 학습이 거의 나아가지 않습니다."
    ),
    "A gradient is exactly 0, whatever the weights are, so nothing is learned.": (
        "가중치가 무엇이든 기울기가 정확히 0이어서 아무것도 학습되지 않습니다."
    ),
    "All units of a layer compute the same, so they count as one.": (
        "한 층의 유닛이 모두 같은 것을 계산하므로 유닛 하나와 다름없습니다."
    ),
    "The network cannot give the targets, whatever its weights are.": (
        "가중치가 무엇이든 신경망이 정답값을 낼 수 없습니다."
    ),
    "The loss is computed of something else than it is made for.": (
        "손실 함수가 받아야 할 값이 아닌 값으로 손실을 계산합니다."
    ),
    "The labels are not what the network is to learn.": (
        "레이블이 신경망이 배워야 할 값이 아닙니다."
    ),
    "The inputs are too large or too small for the steps.": (
        "입력이 스텝에 비해 너무 크거나 너무 작습니다."
    ),
    "The targets are too large or too small for the steps.": (
        "정답값이 스텝에 비해 너무 크거나 너무 작습니다."
    ),
    "The network cannot represent what it is to learn.": (
        "신경망이 배워야 할 것을 나타낼 수 없습니다."
    ),
    "The loss jumps up again and again.": "손실이 자꾸 튀어 오릅니다.",
    "The network has not learned more than one constant answer.": (
        "신경망이 상수 하나를 답하는 것보다 더 배우지 못했습니다."
    ),
    "Likely cause": "짐작되는 원인",
    "It explains": "이것으로 설명되는 것",
    "{layers} layers, {steps} recorded steps": "층 {layers}개, 기록된 스텝 {steps}개",
    " in '{layer}'": " ('{layer}' 층)",
    "since epoch {epoch}, step {step}": "에포크 {epoch}, 스텝 {step}부터",
    "Layers concerned": "해당하는 층",
    "Evidence": "근거",
    "What to change": "해결 방법",
    "As code (a click selects all)": "코드 (클릭하면 모두 선택됩니다)",
    "# between two layers:": "# 두 층 사이에:",
    "# without a softmax in the last layer:": "# 마지막 층의 softmax 없이:",
    "# if the layer is meant to be frozen:": "# 의도적으로 동결한 층이라면:",
    "# and likewise in {count} more, up to {last}": "# {last}까지 나머지 {count}개 층도 똑같이",
    "Map of the layers": "층 지도",
    "From the output, where the gradients start, to the input. Figures are medians over the last "
    "recorded epoch; the signal is ‖∂L/∂A‖ as a share of the output's.": (
        "기울기가 시작되는 출력층부터 입력층까지의 순서입니다. 값은 마지막으로 기록된 에포크의 "
        "중앙값이고, 신호는 출력층의 ‖∂L/∂A‖에 대한 비율입니다."
    ),
    "layer": "층",
    "signal": "신호",
    "update ratio": "갱신 비율",
    "zeros": "0의 비율",
    "saturated": "포화",
    "dead units": "죽은 유닛",
    "state": "상태",
    "Pictures": "그림",
    "Every cell, point and line shows its figures on hover.": (
        "칸, 점, 선 위에 마우스를 올리면 값이 보입니다."
    ),
    "Gradient norm of every layer over the steps": "스텝에 따른 층별 기울기 노름",
    "Each row is a layer, the output at the top. Rows that stay dark get hardly any gradient. That "
    "all rows darken together while the loss falls is normal. Grey: not finite.": (
        "한 줄이 층 하나이고 맨 위가 출력층입니다. 계속 어두운 줄은 기울기를 거의 받지 못하는 "
        "층입니다. 손실이 줄면서 모든 줄이 함께 어두워지는 것은 정상입니다. 회색은 유한하지 않은 "
        "값입니다."
    ),
    "step": "스텝",
    "step {step}": "스텝 {step}",
    "{layer}, step {at}: {value}": "{layer}, 스텝 {at}: {value}",
    "The signal on its way back": "역전파되는 신호",
    "The norm of ∂L/∂A at each layer, from the input (left) to the output (right), where it "
    "starts. A level line is healthy; one that falls to the left vanishes, one that rises to the "
    "left explodes.": (
        "입력층(왼쪽)부터 신호가 시작되는 출력층(오른쪽)까지 각 층의 ∂L/∂A의 노름입니다. 수평이면 "
        "정상, 왼쪽으로 갈수록 낮아지면 기울기 소실, 높아지면 기울기 폭주입니다."
    ),
    "← input        layers        output →": "← 입력        층        출력 →",
    "How far each step moves the weights": "한 스텝에 가중치가 바뀌는 정도",
    "The update ratio, norm of the change over norm of the weights. About 1e-03 (thin line) is "
    "usual; near 1e-01 a step destroys what was learned, below 1e-05 hardly anything is learned.": (
        "갱신 비율, 곧 가중치 변화량의 노름을 가중치의 노름으로 나눈 값입니다. 보통 1e-03(가는 선) "
        "정도입니다. 1e-01에 가까우면 학습한 것이 망가지고, 1e-05보다 작으면 거의 학습되지 "
        "않습니다."
    ),
    "usual: 1e-03": "보통: 1e-03",
    "{layer}, last: {value}": "{layer}, 마지막 값: {value}",
    "Activations of every layer, at the last recorded step": "마지막 기록 스텝의 층별 활성값",
    "Each row is a layer, brighter is a larger share. The column 0 also holds what is too small to "
    "show. All in the column 0: dead. All in the outermost column: saturated.": (
        "한 줄이 층 하나이고 밝을수록 비율이 큽니다. 너무 작은 값은 0 칸에 들어갑니다. 모두 0 칸에 "
        "있으면 죽은 층, 모두 가장 바깥 칸에 있으면 포화된 층입니다."
    ),
    "Mean and standard deviation of each layer's output. Spreads that grow or shrink from layer to "
    "layer lead to saturated or dead units. `histograms=50` shows the distributions.": (
        "각 층 출력의 평균과 표준편차입니다. 층이 깊어질수록 커지거나 작아지면 유닛이 포화되거나 "
        "죽습니다. `histograms=50`을 주면 분포를 볼 수 있습니다."
    ),
    "activation": "활성값",
    "{layer}, {range}: {share} of the activations": "{layer}, {range}: 활성값의 {share}",
    "{layer}: mean {mean}, standard deviation {std}": "{layer}: 평균 {mean}, 표준편차 {std}",
    "Configuration and versions": "설정과 버전",
    "recorded steps": "기록된 스텝",
    "{count}, from {first} to {last}": "{count}개, {first}부터 {last}까지",
    "epochs": "에포크",
    "loss scaling": "손실 스케일링",
    "yes": "예",
    "no": "아니요",
    "recorded values": "기록된 값",
    "Words": "용어",
    "Signal: the gradient ∂L/∂A of a layer's output, which flows from the output back to the "
    "input.": "신호: 층 출력의 기울기 ∂L/∂A. 출력층에서 입력층 쪽으로 전달됩니다.",
    "Update ratio: ‖ΔW‖ / ‖W‖, how far a step moves a weight, compared with its size.": (
        "갱신 비율: ‖ΔW‖ / ‖W‖. 한 스텝에 가중치가 그 크기에 비해 얼마나 바뀌는지를 나타냅니다."
    ),
    "Starves: the layer gets less than a thousandth of the signal.": (
        "소실: 층에 도달하는 신호가 1000분의 1보다 작습니다."
    ),
    "Made from the record alone, without the model.": "모델 없이 기록만으로 만든 보고서입니다.",
}
