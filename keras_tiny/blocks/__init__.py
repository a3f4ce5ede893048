"""The parts that the models of the garden are made of: functions tensor → tensor, (batch, height, width, channels)."""
