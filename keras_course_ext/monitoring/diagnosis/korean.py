"""The Korean sentences of findings and reports, by the English ones; terms as in the course."""

FINDINGS = {
    # Names and states.
    "non-finite gradient": "유한하지 않은 기울기",
    "no gradient": "기울기 없음",
    "exploding gradient": "기울기 폭주",
    "vanishing gradient": "기울기 소실",
    "dead units": "죽은 유닛",
    "saturated units": "포화된 유닛",
    "too large updates": "너무 큰 갱신",
    "too small updates": "너무 작은 갱신",
    "NaN or inf": "NaN/inf",
    "explodes": "폭주",
    "starves": "소실",
    "dead": "죽음",
    "saturated": "포화",
    "too fast": "너무 빠름",
    "too slow": "너무 느림",
    "ok": "정상",
    "not recorded": "기록 없음",
    "{name} in '{layer}' (epoch {epoch}):": "'{layer}' 층의 {name} (에포크 {epoch}):",
    "{name} (epoch {epoch}):": "{name} (에포크 {epoch}):",
    "It explains: {kinds}.": "이것으로 설명되는 것: {kinds}.",
    "Or: {text}": "또는: {text}",
    "note: {text}": "참고: {text}",
    # Vanishing.
    "the signal ‖∂L/∂A‖ changes by a factor of {hop} per layer and only {lost} of it arrives at "
    "'{worst}' (seen in {seen} of {epochs} epochs)": (
        "역전파 신호 ‖∂L/∂A‖가 층마다 {hop}배가 되어, '{worst}' 층에는 그중 {lost}만 도달합니다"
        "(에포크 {epochs}개 중 {seen}개에서 관찰)"
    ),
    "; ‖∂L/∂W‖ / ‖W‖ of its kernel is {own}, that of '{last}' {other}.": (
        ". 이 층 커널의 ‖∂L/∂W‖ / ‖W‖는 {own}, '{last}' 층은 {other}입니다."
    ),
    "Change {name} to ReLU with He initialization ({code}) in the {count} layers '{first}' to "
    "'{last}': {why}, and the factors multiply.": (
        "'{first}'부터 '{last}'까지 {count}개 층의 {name}를 ReLU와 He 초기화로 바꾸세요({code}). "
        "{why}. 이 값이 층마다 곱해집니다."
    ),
    "sigmoid' is at most 0.25": "sigmoid의 도함수는 최대 0.25입니다",
    "its slope is at most 1/6": "기울기가 최대 1/6입니다",
    "tanh' is below 1 everywhere but at 0": "tanh의 도함수는 0을 제외한 모든 곳에서 1보다 작습니다",
    "its slope is below 1 everywhere but at 0": "기울기가 0을 제외한 모든 곳에서 1보다 작습니다",
    "Use He initialization (kernel_initializer='he_normal'): ReLU passes half of the variance on, "
    "and Glorot's does not make up for it.": (
        "He 초기화를 쓰세요(kernel_initializer='he_normal'). ReLU는 분산의 절반만 전달하는데 "
        "Glorot 초기화는 이를 보완하지 않습니다."
    ),
    "Put normalization (keras.layers.BatchNormalization or LayerNormalization) or residual "
    "connections between the layers, or use fewer of them.": (
        "층 사이에 정규화 층(keras.layers.BatchNormalization 또는 LayerNormalization)이나 잔차 "
        "연결을 넣거나, 층의 수를 줄이세요."
    ),
    # Exploding.
    "the signal ‖∂L/∂A‖ grows by a factor of {hop} per layer and reaches '{layer}' {growth} times "
    "as strong as it left the output.": (
        "역전파 신호 ‖∂L/∂A‖가 층마다 {hop}배로 커져, '{layer}' 층에 이르면 출력층에서의 "
        "{growth}배가 됩니다."
    ),
    "Use an initialization that keeps the variance (kernel_initializer='he_normal' for ReLU, "
    "'glorot_uniform' for tanh and linear) or put normalization between the layers; clip with "
    "global_clipnorm=1.0 until then.": (
        "분산을 유지하는 초기화(ReLU에는 kernel_initializer='he_normal', tanh와 linear에는 "
        "'glorot_uniform')를 쓰거나 층 사이에 정규화 층을 넣으세요. 그 전까지는 "
        "global_clipnorm=1.0으로 기울기를 자르세요."
    ),
    "the norm of all weight gradients is {growth} times what it was in the first steps, most of "
    "it in {tensor} of '{layer}'.": (
        "전체 가중치 기울기의 노름이 처음 스텝들의 {growth}배이며, 대부분 '{layer}' 층의 "
        "{tensor}에서 나옵니다."
    ),
    "Lower the learning rate by a factor of ten, or clip with global_clipnorm=1.0 in the "
    "optimizer.": (
        "학습률을 10분의 1로 낮추거나 옵티마이저에 global_clipnorm=1.0을 주어 기울기를 자르세요."
    ),
    # Dead.
    "{count} of {units} units of '{layer}' were 0 for every recorded sample of the last epoch, so "
    "that no gradient passes through them.": (
        "'{layer}' 층의 유닛 {units}개 중 {count}개가 마지막 에포크의 기록된 모든 표본에서 "
        "0이어서, 이 유닛으로는 기울기가 전달되지 않습니다."
    ),
    "They were so from the first step on. ": "첫 스텝부터 그랬습니다. ",
    "A step threw them there: lower the learning rate by a factor of ten, clip with "
    "global_clipnorm=1.0, ": (
        "어느 한 번의 갱신 때문입니다. 학습률을 10분의 1로 낮추고, global_clipnorm=1.0으로 "
        "기울기를 자르고, "
    ),
    "Start with He initialization and biases of 0 (kernel_initializer='he_normal', "
    "bias_initializer='zeros') and with inputs of mean 0 and standard deviation 1, ": (
        "He 초기화와 0인 바이어스(kernel_initializer='he_normal', bias_initializer='zeros'), 평균 "
        "0과 표준편차 1인 입력으로 시작하고, "
    ),
    "lower the learning rate by a factor of ten, ": "학습률을 10분의 1로 낮추고, ",
    "or use a ReLU that is never flat (activation='leaky_relu').": (
        "또는 평평한 구간이 없는 ReLU를 쓰세요(activation='leaky_relu')."
    ),
    # Saturated.
    "{share} of the outputs of '{layer}' lie where the slope of {name} is under 1 % of its maximum "
    "(median of the last epoch), so that hardly any gradient passes.": (
        "'{layer}' 층 출력의 {share}가 {name}의 기울기가 최댓값의 1% 미만인 곳에 있어(마지막 "
        "에포크의 중앙값) 기울기가 거의 전달되지 않습니다."
    ),
    "It was so from the first step on. Initialize with smaller weights "
    "(kernel_initializer='glorot_uniform') and scale the inputs to mean 0 and standard deviation "
    "1, or put normalization before the activation.": (
        "첫 스텝부터 그랬습니다. 초기 가중치를 더 작게 하고(kernel_initializer='glorot_uniform') "
        "입력을 평균 0, 표준편차 1로 맞추거나, 활성화 함수 앞에 정규화 층을 넣으세요."
    ),
    "Training drove it there: lower the learning rate by a factor of ten, put normalization before "
    "the activation, or use ReLU with He initialization.": (
        "학습 중에 그렇게 되었습니다. 학습률을 10분의 1로 낮추거나, 활성화 함수 앞에 정규화 층을 "
        "넣거나, ReLU와 He 초기화를 쓰세요."
    ),
    # Updates.
    "a step changes the kernel of '{layer}' by {ratio} of its norm (median of the last epoch), "
    "where 1e-03 is usual: what it learned lasts for a few steps.": (
        "한 스텝이 '{layer}' 층의 커널을 그 노름의 {ratio}만큼 바꿉니다(마지막 에포크의 중앙값). "
        "보통은 1e-03입니다. 배운 것이 몇 스텝밖에 남지 않습니다."
    ),
    "Lower the learning rate by a factor of ten, or clip with global_clipnorm=1.0.": (
        "학습률을 10분의 1로 낮추거나 global_clipnorm=1.0으로 기울기를 자르세요."
    ),
    "a step changes no kernel by more than {ratio} of its norm (medians of the epochs; '{layer}' "
    "moves most), where 1e-03 is usual, and did so from the beginning on": (
        "처음부터 한 스텝에 노름의 {ratio}보다 많이 바뀌는 커널이 없습니다(에포크별 중앙값, "
        "'{layer}' 층이 가장 많이 바뀝니다). 보통은 1e-03입니다"
    ),
    # Non-finite.
    "a gradient was NaN or infinite at step {step}; it arose {where} ({bad} of {all} recorded "
    "steps).": (
        "스텝 {step}에서 기울기가 NaN이거나 무한대였습니다. 발생한 곳: {where} (기록된 스텝 "
        "{all}개 중 {bad}개)."
    ),
    "backward, in ∂L/∂W or the update of '{layer}' at step {at} (": (
        "역전파, 스텝 {at}의 '{layer}' 층 ∂L/∂W 또는 갱신 ("
    ),
    "Look at the data of that batch for NaN, lower the learning rate by a factor of ten, and "
    "compute crossentropies from logits (from_logits=True, no softmax or sigmoid at the end).": (
        "그 배치의 데이터에 NaN이 있는지 보고, 학습률을 10분의 1로 낮추고, 교차 엔트로피를 "
        "로짓에서 계산하세요(from_logits=True, 마지막에 softmax나 sigmoid 없이)."
    ),
    # No gradient.
    "the optimizer got no gradient of {weights} at any recorded step": (
        "기록된 어느 스텝에서도 옵티마이저가 {weights}의 기울기를 받지 못했습니다"
    ),
    " ({count} weights in {layers} layers have none)": (
        " (층 {layers}개의 가중치 {count}개에 기울기가 없음)"
    ),
    "Look behind the layer for `stop_gradient`, `argmax`, `round`, a cast to an integer or a "
    "detour over NumPy, and for an output that the loss does not use. If that is meant, set "
    "`layer.trainable = False`.": (
        "층 뒤에 `stop_gradient`, `argmax`, `round`, 정수 변환, NumPy를 거치는 계산, 손실이 쓰지 "
        "않는 출력이 있는지 살펴보세요. 의도한 것이라면 `layer.trainable = False`로 "
        "층을 동결하세요."
    ),
    # Causes of findings on the signal and the updates.
    "ReLU is flat where its input is negative, and there the units stay.": (
        "ReLU는 입력이 음수이면 평평하고, 유닛은 거기에 머무릅니다."
    ),
    "The weights or biases start there.": "가중치나 바이어스가 거기에서 시작합니다.",
    "A step too large threw them there.": "너무 큰 스텝 하나 때문입니다.",
    "The weights multiply the signal in every layer.": "가중치가 층마다 신호에 곱해집니다.",
    "Steps too large lead to weights with ever larger gradients.": (
        "스텝이 너무 크면 기울기가 점점 더 커지는 가중치로 갑니다."
    ),
    "The sums of weights and inputs are too large.": "가중치와 입력의 합이 너무 큽니다.",
    "The learning rate is too high for these weights.": "이 가중치에는 학습률이 너무 높습니다.",
    "The learning rate is too low.": "학습률이 너무 낮습니다.",
    "The run is too short: the loss could not get down in so few steps.": (
        "훈련이 너무 짧습니다. 이렇게 적은 스텝으로는 손실이 줄어들 수 없습니다."
    ),
    "Something that has no derivative lies between these weights and the loss.": (
        "이 가중치와 손실 사이에 미분할 수 없는 계산이 있습니다."
    ),
    "one of the first steps changed the kernel of '{layer}' by {ratio} of its norm, where 1e-03 is "
    "usual, and the run has not learned since.": (
        "처음 스텝 가운데 하나가 '{layer}' 층의 커널을 그 노름의 {ratio}만큼 바꾸었고, 그 뒤로 "
        "배우지 못했습니다. 보통은 1e-03입니다."
    ),
    "; in {steps} steps no kernel moved by more than {path} of its norm.": (
        ". 스텝 {steps}개 동안 노름의 {path}보다 많이 움직인 커널이 없습니다."
    ),
    "in {steps} steps no kernel moved by more than {path} of its norm ('{layer}' moves most).": (
        "스텝 {steps}개 동안 노름의 {path}보다 많이 움직인 커널이 없습니다('{layer}' 층이 가장 "
        "많이 움직입니다)."
    ),
    "the slopes of a softmax over many units are near 0": (
        "유닛이 많은 소프트맥스의 기울기는 0에 가깝습니다"
    ),
}

REPORT = {
    "layer": "층",
    "weight": "가중치",
    "signal": "신호",
    "zero": "0",
    "sat.": "포화",
    "state": "상태",
    "Gradients by layer": "층별 기울기",
    "docs/glossary.md explains the terms.": "용어 설명: docs/glossary.ko.md",
    "At {left_out} of {steps} recorded steps of epoch {epoch} a gradient was not finite{skipped}; "
    "the medians leave such values out.": (
        "에포크 {epoch}의 기록된 스텝 {steps}개 중 {left_out}개에서 기울기가 유한하지 "
        "않았습니다{skipped}. 중앙값은 이런 값을 뺀 것입니다."
    ),
    " (loss scaling skips them)": " (손실 스케일링이 건너뜁니다)",
    "Nothing was recorded yet: pass the monitor to `fit(callbacks=[monitor])`, then print the "
    "report.": (
        "아직 기록된 것이 없습니다. 모니터를 `fit(callbacks=[monitor])`에 넘긴 뒤 보고서를 "
        "출력하세요."
    ),
    "No rule fired, but the signal between layers was not recorded.": (
        "해당하는 규칙이 없지만, 층 사이의 신호가 기록되지 않았습니다."
    ),
    "No rule fired, but the signal at the output, '{layer}', is {figure}.": (
        "해당하는 규칙이 없지만, 출력층 '{layer}'의 신호가 {figure}입니다."
    ),
    "not finite": "유한하지 않은 값",
    "No rule fired. The signal was recorded at one layer only, '{layer}', so that there was "
    "nothing to compare.": (
        "해당하는 규칙이 없습니다. 신호가 '{layer}' 층에서만 기록되어 비교할 것이 없습니다."
    ),
    "No rule fired. Weakest signal: {share} of the output's, at '{layer}'.": (
        "해당하는 규칙이 없습니다. 가장 약한 신호: '{layer}' 층, 출력층의 {share}배."
    ),
}
