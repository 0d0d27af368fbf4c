print("bred")
