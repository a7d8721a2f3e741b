"""The Korean sentences of remedies, by the English ones; terms as in the course."""

REMEDIES = {
    "End the network with {code} in place of '{layer}', and compile it with loss={loss}.": (
        "'{layer}' 층 대신 {code}로 신경망을 끝내고, loss={loss}로 컴파일하세요."
    ),
    "Compile with loss={loss}, without from_logits=True.": (
        "from_logits=True 없이 loss={loss}로 컴파일하세요."
    ),
    "Compile with loss={loss}.": "loss={loss}로 컴파일하세요.",
    "Compile with optimizer={optimizer}.": "optimizer={optimizer}로 컴파일하세요.",
    "Use ReLU with He initialization in the hidden layers ({code}).": (
        "은닉층에 ReLU와 He 초기화를 쓰세요({code})."
    ),
    "Initialize with {initializer} and biases of 0.": (
        "{initializer}, 바이어스 0으로 초기화하세요."
    ),
    "Lower the learning rate by a factor of ten.": "학습률을 10분의 1로 낮추세요.",
    "Lower the learning rate: {code} in the optimizer.": (
        "학습률을 낮추세요: 옵티마이저에 {code}."
    ),
    "Raise the learning rate by factors of ten until the ratio is about 1e-03.": (
        "이 비율이 약 1e-03이 될 때까지 학습률을 10배씩 올리세요."
    ),
    "Raise the learning rate: {code} in the optimizer.": (
        "학습률을 높이세요: 옵티마이저에 {code}."
    ),
    "Train longer: fit(epochs=...) with {factor} times as many.": (
        "더 오래 훈련시키세요: fit(epochs=...)의 에포크를 {factor}배로."
    ),
    "Clip the gradients with global_clipnorm=1.0.": ("global_clipnorm=1.0으로 기울기를 자르세요."),
    "Scale the inputs to mean 0 and standard deviation 1: begin the network with a "
    "keras.layers.Normalization() that was given the data by adapt(x).": (
        "입력을 평균 0, 표준편차 1로 맞추세요: adapt(x)로 데이터를 본 "
        "keras.layers.Normalization()으로 신경망을 시작하세요."
    ),
    "Scale the targets, y = (y - y.mean()) / y.std(), and scale the predictions back.": (
        "정답값의 크기를 맞추고(y = (y - y.mean()) / y.std()), 예측값은 원래 크기로 되돌리세요."
    ),
    "Scale the targets: y = y / 255.": "정답값의 크기를 맞추세요: y = y / 255.",
    "Scale the targets to 0 to 1: {code}.": "정답값을 0에서 1 사이로 맞추세요: {code}.",
    "Give the labels as 0 and 1: {code}.": "레이블을 0과 1로 바꾸세요: {code}.",
    "End '{layer}' with {code}.": "'{layer}' 층을 {code}로 끝내세요.",
    "End '{layer}' without an activation.": "'{layer}' 층을 활성화 함수 없이 끝내세요.",
    "Give one output a sample: return_sequences=False in the last recurrent layer, or a "
    "keras.layers.Flatten() before the output layer.": (
        "표본마다 출력이 하나가 되게 하세요: 마지막 순환 층에 return_sequences=False를 주거나, "
        "출력층 앞에 keras.layers.Flatten()을 넣으세요."
    ),
    "Give the output layer a unit for each class: {code}.": (
        "출력층에 클래스마다 유닛을 하나씩 두세요: {code}."
    ),
    "Number the classes from 0: {code}.": "클래스 번호를 0부터 매기세요: {code}.",
    "Look at the column that the labels are read from, and at their order.": (
        "레이블을 읽어 온 열과 그 순서를 확인하세요."
    ),
    "Remove the samples without a label: {code}.": "레이블이 없는 표본을 빼세요: {code}.",
    "Remove or fill the samples that are not finite: {code}.": (
        "유한하지 않은 표본을 빼거나 채우세요: {code}."
    ),
    "Use activation='leaky_relu'.": "activation='leaky_relu'를 쓰세요.",
    "Use activation='sigmoid' there, or a unit for each class.": (
        "여기에 activation='sigmoid'를 쓰거나 클래스마다 유닛을 하나씩 두세요."
    ),
    "Start with larger weights: those of '{layer}' have {share} of the usual size.": (
        "더 큰 초기 가중치로 시작하세요: '{layer}' 층의 가중치는 보통 크기의 {share}배입니다."
    ),
    "Look behind '{layer}' for an output that is constant, a loss that does not depend on it, and "
    "weights that are all 0.": (
        "'{layer}' 층 뒤에 상수인 출력, 이 출력에 의존하지 않는 손실, 모두 0인 가중치가 있는지 "
        "살펴보세요."
    ),
}
