"""The Korean sentences of findings on the task and the outcome, by the English ones."""

NAMES = {
    "zero gradient": "0인 기울기",
    "fading gradient": "약해지는 기울기",
    "symmetric units": "모두 같은 유닛",
    "targets out of the output's range": "출력 범위를 벗어난 정답값",
    "loss that does not fit the output": "출력과 맞지 않는 손실 함수",
    "unscaled inputs": "크기를 맞추지 않은 입력",
    "unscaled targets": "크기를 맞추지 않은 정답값",
    "wrong labels": "잘못된 레이블",
    "too little capacity": "모자라는 표현력",
    "unstable loss": "불안정한 손실",
    "stalled training": "멈춘 학습",
    "gradient 0": "기울기 0",
    "fades": "약해짐",
    "symmetric": "모두 같음",
    "out of range": "범위 밖",
    "wrong loss": "손실 불일치",
    "linear": "선형",
}

EVIDENCE = {
    # Output range and zero gradient.
    "targets reach {largest}, and {name} ends at {high}: ": (
        "정답값은 {largest}까지 가는데 {name}는 {high}까지입니다: "
    ),
    "targets go down to {smallest}, and {name} to {low}: ": (
        "정답값은 {smallest}까지 내려가는데 {name}는 {low}까지입니다: "
    ),
    "the outputs of {name} add up to 1, and the targets do not: ": (
        "{name}의 출력은 합이 1인데 정답값은 그렇지 않습니다: "
    ),
    ": {share} of the targets' variance is out of reach of '{layer}', whatever the weights are.": (
        ": 가중치가 무엇이든 정답값 분산의 {share}는 '{layer}' 층이 낼 수 없습니다."
    ),
    "The activation function {name} does not fit targets of this range.": (
        "활성화 함수 {name}가 이 범위의 정답값에 맞지 않습니다."
    ),
    "{name} over the one unit of '{layer}' is 1 for every input, so the output is constant.": (
        "유닛이 하나인 '{layer}' 층의 {name}는 입력이 무엇이든 1이므로 출력이 상수입니다."
    ),
    "softmax over the one unit of '{layer}' is 1 for every input.": (
        "유닛이 하나인 '{layer}' 층의 softmax는 입력이 무엇이든 1입니다."
    ),
    "A softmax needs a unit for each class.": "소프트맥스에는 클래스마다 유닛이 있어야 합니다.",
    "the gradient of {zero} of {all} layers with a kernel was exactly 0 at every recorded step.": (
        "커널이 있는 층 {all}개 중 {zero}개의 기울기가 기록된 모든 스텝에서 정확히 0이었습니다."
    ),
    # Loss mismatch.
    "The loss {loss} does not fit the output of '{layer}'.": (
        "손실 함수 {loss}가 '{layer}' 층의 출력에 맞지 않습니다."
    ),
    "a {loss} compares the units of a row with each other, and '{layer}' has one: its loss is the "
    "same whatever the output is.": (
        "{loss}는 한 행의 유닛을 서로 비교하는데 '{layer}' 층에는 유닛이 하나뿐이어서, 출력이 "
        "무엇이든 손실이 같습니다."
    ),
    "a {loss} takes targets from 0 to 1, and these go from {smallest} to {largest}.": (
        "{loss}는 0에서 1 사이의 정답값을 받는데, 이 값은 {smallest}부터 {largest}까지입니다."
    ),
    "a {loss} takes rows that add up to 1, and these do not: several labels may be 1.": (
        "{loss}는 합이 1인 행을 받는데 정답값은 그렇지 않습니다. 1인 레이블이 여럿일 수 있습니다."
    ),
    "a {loss} takes rows that add up to 1, and these do not: they are no probabilities.": (
        "{loss}는 합이 1인 행을 받는데 정답값은 그렇지 않습니다. 확률이 아닙니다."
    ),
    "a {loss} takes class numbers, not such ones.": (
        "{loss}는 클래스 번호를 받는데 정답값은 클래스 번호가 아닙니다."
    ),
    "'{layer}' ends with {name}, from {low} to {high}, and {loss} without from_logits=True takes "
    "probabilities from 0 to 1 and clips the rest, where its gradient is 0.": (
        "'{layer}' 층은 {name}({low}에서 {high})로 끝나는데, from_logits=True가 없는 {loss}는 "
        "0에서 1 사이의 확률을 받습니다. 벗어난 값은 잘라 내며 거기서는 기울기가 0입니다."
    ),
    "the loss takes logits, and '{layer}' gives the probabilities of {name}, which Keras sees "
    "through.": (
        "손실 함수는 로짓을 받는데 '{layer}' 층은 {name}의 확률을 냅니다. Keras가 로짓을 찾아 "
        "쓰므로 결과는 같습니다."
    ),
    "the loss takes logits, and '{layer}' gives the probabilities of {name}: they are squashed "
    "twice.": (
        "손실 함수는 로짓을 받는데 '{layer}' 층은 {name}의 확률을 내서, 값이 두 번 눌립니다."
    ),
    "the loss takes logits of any size, and {name} gives {low} to {high} only.": (
        "손실 함수는 크기에 제한이 없는 로짓을 받는데 {name}는 {low}에서 {high}까지만 냅니다."
    ),
    "the output has the shape {output}, the targets {targets}, and {loss} broadcasts them: each is "
    "compared with all the others.": (
        "출력의 형상은 {output}, 정답값의 형상은 {targets}이어서 {loss}가 브로드캐스트합니다. "
        "하나하나가 나머지 모두와 비교됩니다."
    ),
    ", and {share} of what a constant leaves was learned.": (
        ". 상수로 남는 손실의 {share}를 배웠습니다."
    ),
    ", and what was learned is unknown.": ". 얼마나 배웠는지는 알 수 없습니다.",
    "a binary crossentropy takes each class by itself": (
        "binary crossentropy는 클래스를 하나씩 따로 봅니다"
    ),
    "the sigmoids of '{layer}' do not add up to 1": (
        "'{layer}' 층의 시그모이드는 합이 1이 아닙니다"
    ),
    "the targets are {count} classes, and {loss} takes their numbers for amounts": (
        "정답값은 클래스 {count}개인데 {loss}는 그 번호를 양으로 다룹니다"
    ),
    "the targets are {count} classes, and {loss} takes numbers": (
        "정답값은 클래스 {count}개인데 {loss}는 수를 받습니다"
    ),
    "a hinge takes outputs of both signs, and {name} gives 0 to 1.": (
        "hinge는 양수와 음수 출력을 받는데 {name}는 0에서 1까지 냅니다."
    ),
    "the loss takes log(1 + y), and a target is {smallest}.": (
        "손실 함수는 log(1 + y)를 계산하는데 정답값 가운데 {smallest}가 있습니다."
    ),
    "the loss takes counts, and a target is {smallest}.": (
        "손실 함수는 개수를 받는데 정답값 가운데 {smallest}가 있습니다."
    ),
    "the cosine of one number with another is 1 or -1, whatever it is.": (
        "수 하나와 수 하나의 코사인은 무엇이든 1 또는 -1입니다."
    ),
    # Data and labels.
    "{share} of the targets are NaN or infinite.": "정답값의 {share}가 NaN이거나 무한대입니다.",
    "{share} of the inputs are NaN or infinite.": "입력의 {share}가 NaN이거나 무한대입니다.",
    "the labels are 1 and 2, and a binary crossentropy takes 0 and 1.": (
        "레이블은 1과 2인데 binary crossentropy는 0과 1을 받습니다."
    ),
    "the labels reach {largest}, and '{layer}' has {units} units, for the classes 0 to {last}.": (
        "레이블은 {largest}까지 있는데 '{layer}' 층은 유닛 {units}개로 클래스 0부터 {last}까지만 "
        "나타냅니다."
    ),
    "a label is {smallest}, and the classes count from 0.": (
        "레이블 가운데 {smallest}가 있는데 클래스는 0부터 셉니다."
    ),
    "all of {count} targets that were looked at are {value}.": (
        "살펴본 정답값 {count}개가 모두 {value}입니다."
    ),
    "The labels are not those that the loss takes.": "손실 함수가 받는 레이블이 아닙니다.",
    "the inputs go from {smallest} to {largest}, a column's root mean square reaches {scale}, "
    "and": (
        "입력은 {smallest}부터 {largest}까지이고 한 열의 제곱 평균 제곱근이 {scale}에 이릅니다."
    ),
    "no column of the inputs has a root mean square above {scale}, and": (
        "제곱 평균 제곱근이 {scale}를 넘는 입력 열이 없습니다."
    ),
    "the run has got rid of {share} of a constant's loss": (
        "상수로 남는 손실의 {share}를 줄였습니다"
    ),
    "Sums of large inputs saturate or kill units and make steps of all sizes wrong.": (
        "큰 입력의 합은 유닛을 포화시키거나 죽이고, 어떤 크기의 스텝도 맞지 않게 합니다."
    ),
    "the targets have mean {mean} and standard deviation {std}, and the loss is {ratio} times that "
    "of a constant.": (
        "정답값의 평균은 {mean}, 표준편차는 {std}이고 손실은 상수를 낼 때의 {ratio}배입니다."
    ),
    "Outputs start near 0 and move by about a learning rate a step.": (
        "출력은 0 근처에서 시작해 한 스텝에 학습률만큼 움직입니다."
    ),
    # The network and the outcome.
    "the {count} hidden layers, from '{layer}' on, have no activation function, so the network is "
    "linear; it has got rid of {share} of a constant's loss.": (
        "'{layer}'부터 은닉층 {count}개에 활성화 함수가 없어 신경망이 선형이고, 상수로 남는 손실의 "
        "{share}를 줄였습니다."
    ),
    "Linear layers add up to one.": "선형인 층은 여러 개를 쌓아도 하나와 같습니다.",
    "the {count} outputs of the hidden layer '{layer}' add up to 1 (softmax), so each is small, "
    "and all move together.": (
        "은닉층 '{layer}'의 출력 {count}개는 합이 1이어서(softmax) 하나하나가 작고 함께 움직입니다."
    ),
    "Softmax is for probabilities of classes, at the end.": (
        "소프트맥스는 맨 끝에서 클래스의 확률을 낼 때 씁니다."
    ),
    "all weights of the kernel of '{layer}' start at {value}, so its {units} units compute the "
    "same and get the same gradient.": (
        "'{layer}' 층의 커널이 모두 같은 값({value})에서 시작해, 유닛 {units}개가 같은 것을 "
        "계산하고 같은 기울기를 받습니다."
    ),
    "The initializer is a constant.": "초기화가 상수입니다.",
    "the loss of the last epoch is {loss}, not below that of the best constant output, {constant}: "
    "the network uses nothing of its inputs.": (
        "마지막 에포크의 손실은 {loss}로, 가장 좋은 상수 출력의 손실 {constant}보다 낮지 않습니다. "
        "신경망이 입력을 전혀 쓰지 않습니다."
    ),
    "the loss of the last epoch is {loss}, not below that of the best constant output: the network "
    "uses nothing of its inputs.": (
        "마지막 에포크의 손실은 {loss}로, 가장 좋은 상수 출력보다 낮지 않습니다. 신경망이 입력을 "
        "전혀 쓰지 않습니다."
    ),
    "No rule tells why: the data may not hold the answer, or the steps do not fit.": (
        "까닭을 말해 주는 규칙이 없습니다. 데이터에 답이 없거나 스텝의 크기가 맞지 않을 수 "
        "있습니다."
    ),
    "the loss of the last epoch is {ratio} times the smallest one": (
        "마지막 에포크의 손실이 가장 작았던 손실의 {ratio}배입니다"
    ),
    "the loss rose by half or more in {rises} of {epochs} epochs": (
        "에포크 {epochs}개 중 {rises}개에서 손실이 절반 넘게 커졌습니다"
    ),
    "; a step changes a kernel by up to {ratio} of its norm.": (
        ". 한 스텝이 커널을 그 노름의 {ratio}까지 바꿉니다."
    ),
    "The steps are too large for the curvature of the loss.": (
        "손실의 곡률에 비해 스텝이 너무 큽니다."
    ),
}
