"""Zhou et al. 2022, Do Feature Attribution Methods Correctly Attribute Features?: every number and finding of sections 5 to 7."""
